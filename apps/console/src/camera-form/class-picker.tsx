import { useSignal } from "@preact/signals";
import { plural } from "../words/numbers-and-times.ts";

interface Props {
  /** Name of the group for screen readers. */
  legend: string;
  known: readonly string[];
  chosen: readonly string[];
  error?: string | undefined;
  onChange: (chosen: string[]) => void;
}

/** With more classes than this there is a search field. */
const searchFrom = 12;

/** Lets the user choose some of a model's classes; none means all. */
export function ClassPicker({ legend, known, chosen, error, onChange }: Props) {
  const search = useSignal("");
  const all = [...new Set([...known, ...chosen])];
  const wanted = search.value.trim().toLowerCase();
  const shown = all.filter((name) => name.toLowerCase().includes(wanted));
  const toggle = (name: string) =>
    onChange(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  return (
    <fieldset class={error ? "class-picker invalid" : "class-picker"}>
      <legend>{legend}</legend>
      <p class="note">
        {chosen.length === 0
          ? "None chosen: all are reported."
          : `${plural(chosen.length, "class", "classes")} chosen.`}
      </p>
      {all.length > searchFrom && (
        <input
          type="search"
          aria-label={`Search ${legend.toLowerCase()}`}
          placeholder="Search"
          value={search.value}
          onInput={(event) => {
            search.value = event.currentTarget.value;
          }}
        />
      )}
      <div class="class-list">
        {shown.map((name) => (
          <label key={name} class="check">
            <input type="checkbox" checked={chosen.includes(name)} onChange={() => toggle(name)} />
            {name}
          </label>
        ))}
        {all.length === 0 && <p class="note">The model's classes are known once a worker serves it.</p>}
      </div>
      {error && <p class="field-error">{error}</p>}
    </fieldset>
  );
}
