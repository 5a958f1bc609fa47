import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

interface Labelled {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  /** Shown when the pointer rests on it. */
  title?: string | undefined;
}

interface FieldProps extends Labelled {
  id: string;
  /** The control; it must have the field's id and the attributes from `describedBy`. */
  children: ComponentChildren;
}

/** A labelled control with a hint and an error message next to it. */
export function Field({ id, label, hint, error, title, children }: FieldProps) {
  return (
    <div class={error ? "field invalid" : "field"} title={title}>
      <label for={id}>{label}</label>
      {children}
      {hint && (
        <p class="note" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/** Attributes that connect a control to its hint and error. */
export function describedBy(id: string, { hint, error }: Pick<Labelled, "hint" | "error">) {
  return {
    id,
    "aria-invalid": error ? true : undefined,
    "aria-describedby":
      [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ") || undefined,
  };
}

/** Properties of every editable field; `onChange` is called for each step of typing. */
interface Editable<Value> extends Labelled {
  /** Generated if not given. */
  id?: string;
  value: Value;
  onChange: (value: Value) => void;
}

/** Attributes of the input with the same names. */
interface TextProps extends Editable<string> {
  type?: "text" | "password" | "number";
  inputMode?: "text" | "url" | "decimal" | "numeric";
  autoComplete?: "current-password" | "new-password";
  autoCapitalize?: "none";
  spellcheck?: boolean;
  required?: boolean;
  placeholder?: string;
  pattern?: string;
  minLength?: number | undefined;
  maxLength?: number;
  min?: number;
  max?: number;
}

/** A line of text. */
export function TextField({ id, label, hint, error, value, onChange, ...attributes }: TextProps) {
  const own = useId();
  const name = id ?? own;
  // Preact has different types for inputs of different kinds; all of these are read as text.
  const given = attributes as Omit<typeof attributes, "type">;
  return (
    <Field id={name} label={label} hint={hint} error={error}>
      <input
        autoComplete="off"
        {...given}
        {...describedBy(name, { hint, error })}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </Field>
  );
}

interface SelectProps<Value extends string> extends Editable<Value> {
  /** Each option's value and its text. */
  options: readonly (readonly [Value, string])[];
}

/** A choice of one option. */
export function SelectField<Value extends string>(props: SelectProps<Value>) {
  const { id, label, hint, error, value, options, onChange } = props;
  const own = useId();
  const name = id ?? own;
  return (
    <Field id={name} label={label} hint={hint} error={error}>
      <select
        {...describedBy(name, { hint, error })}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value as Value)}
      >
        {options.map(([option, shown]) => (
          <option key={option} value={option}>
            {shown}
          </option>
        ))}
      </select>
    </Field>
  );
}

interface NumberProps extends Editable<number> {
  step?: number;
  most?: number;
}

/** A number; empty is 0. */
export function NumberField({ label, value, step = 0.5, most = 86_400, title, onChange }: NumberProps) {
  const id = useId();
  return (
    <Field id={id} label={label} title={title}>
      <NumberInput id={id} value={value} most={most} step={step} onChange={onChange} />
    </Field>
  );
}

interface NumberInputProps {
  id?: string;
  "aria-label"?: string;
  value: number;
  least?: number;
  most: number;
  step: number;
  /** Called with each number while typing; empty is 0. */
  onChange: (value: number) => void;
}

/** A control for a number that does not change incomplete input ("0.", ""). */
export function NumberInput({ value, least = 0, most, step, onChange, ...named }: NumberInputProps) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    const element = input.current;
    if (element && numberIn(element) !== value) element.value = String(value);
  }, [value]);
  return (
    <input
      {...named}
      ref={input}
      type="number"
      min={least}
      max={most}
      step={step}
      defaultValue={String(value)}
      onInput={(event) => onChange(numberIn(event.currentTarget))}
    />
  );
}

function numberIn(element: HTMLInputElement): number {
  return element.value === "" ? 0 : element.valueAsNumber;
}

/** A time to the minute, in the browser's time zone; `value` is RFC 3339, or empty. */
export function TimeField({ label, value, onChange }: Editable<string>) {
  const id = useId();
  const ms = Date.parse(value);
  const shown = Number.isNaN(ms) ? "" : localMinute(new Date(ms));
  return (
    <Field id={id} label={label}>
      <input
        id={id}
        type="datetime-local"
        value={shown}
        onChange={({ currentTarget: { value: text } }) =>
          onChange(text === "" ? "" : new Date(text).toISOString())
        }
      />
    </Field>
  );
}

/** A time in the form for the browser's field. */
function localMinute(at: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
