import { useId } from "preact/hooks";
import { NumberInput } from "./number-input.tsx";

interface SelectProps {
  label: string;
  value: string;
  /** Value and what is shown for it. */
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}

/** A choice with its label above. */
export function LabelledSelect({ label, value, options, onChange }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([option, name]) => (
          <option key={option} value={option}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

interface NumberProps {
  label: string;
  value: number;
  step?: number;
  most?: number;
  title?: string;
  onChange: (value: number) => void;
}

/** A number with its label above; empty is 0. */
export function LabelledNumber({ label, value, step = 0.5, most = 86_400, title, onChange }: NumberProps) {
  const id = useId();
  return (
    <div class="field" title={title}>
      <label for={id}>{label}</label>
      <NumberInput id={id} value={value} most={most} step={step} onChange={onChange} />
    </div>
  );
}

interface TextProps {
  label: string;
  value: string;
  placeholder?: string;
  maxLength?: number;
  onInput: (value: string) => void;
}

/** A line of text with its label above. */
export function LabelledText({ label, value, placeholder, maxLength = 63, onInput }: TextProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        value={value}
        placeholder={placeholder ?? ""}
        maxLength={maxLength}
        autoComplete="off"
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}

interface TimeProps {
  label: string;
  /** RFC 3339, or empty. */
  value: string;
  onChange: (value: string) => void;
}

/** A time to the minute, in the browser's time zone, with its label above. */
export function LabelledTime({ label, value, onChange }: TimeProps) {
  const id = useId();
  const ms = Date.parse(value);
  const shown = Number.isNaN(ms) ? "" : localMinute(new Date(ms));
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="datetime-local"
        value={shown}
        onChange={({ currentTarget: { value: text } }) =>
          onChange(text === "" ? "" : new Date(text).toISOString())
        }
      />
    </div>
  );
}

/** A time as the browser's field takes it. */
function localMinute(at: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
