import { type NumberSetting, plainSettings, rangeText } from "@sightline/contracts/camera-settings";
import { SelectField, TextField } from "../shell/field.tsx";
import { sentence } from "../words/names.ts";
import type { BoundField } from "./form-values.ts";

interface Props {
  part: (typeof plainSettings)[number][1]["part"];
  bound: BoundField;
}

/** The numbers and choices of one part, side by side where there is space. */
export function PlainFields({ part, bound }: Props) {
  const fields = plainSettings.filter(([, setting]) => setting.part === part);
  return (
    <div class="form-row">
      {fields.map(([name, setting]) => {
        const { label, says } = setting;
        if (setting.kind === "choice") {
          const options = Object.entries(setting.choices);
          // The commands' word does not appear in this form.
          const hint = sentence(says.replace(/\bauto\b/, "automatic"));
          return <SelectField key={name} {...bound(name)} label={label} hint={hint} options={options} />;
        }
        return (
          <TextField
            key={name}
            {...bound(name)}
            label={label}
            hint={sentence(`${says}; ${rangeText(setting)}; empty is 0`)}
            inputMode={keyboardOf(setting)}
          />
        );
      })}
    </div>
  );
}

/** The decimal keyboard of some phones has no minus. */
function keyboardOf({ kind, least }: NumberSetting): "text" | "numeric" | "decimal" {
  if (least < 0) return "text";
  return kind === "whole" ? "numeric" : "decimal";
}
