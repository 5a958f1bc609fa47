import { describedBy, Field } from "../shell/field.tsx";
import type { FieldErrors, FieldName, FormValues } from "./form-values.ts";

interface Props {
  values: FormValues;
  errors: FieldErrors;
  onChange: <Name extends FieldName>(name: Name, value: FormValues[Name]) => void;
}

/** What is kept of a camera's video, and for how long. */
export function RecordingFields({ values, errors, onChange }: Props) {
  const days = (id: "recordDays" | "recordEventsDays", label: string, hint: string) => (
    <Field id={id} label={label} hint={hint} error={errors[id]}>
      <input
        {...describedBy(id, errors[id])}
        value={values[id]}
        inputMode="decimal"
        autoComplete="off"
        onInput={(event) => onChange(id, event.currentTarget.value)}
      />
    </Field>
  );
  return (
    <>
      <Field
        id="recordMode"
        label="Recording"
        hint="Video as the camera sends it, on the disk of the machine that receives it."
        error={errors.recordMode}
      >
        <select
          {...describedBy("recordMode", errors.recordMode)}
          value={values.recordMode}
          onChange={(event) => onChange("recordMode", event.currentTarget.value as FormValues["recordMode"])}
        >
          <option value="default">As the server is set</option>
          <option value="off">Off</option>
          <option value="events">Around events</option>
          <option value="continuous">Always</option>
        </select>
      </Field>
      {values.recordMode !== "off" && (
        <>
          <div class="form-row">
            {days("recordDays", "Days to keep video", "Empty: until its space is needed.")}
            {days("recordEventsDays", "Days to keep video of events", "Empty: as long as other video.")}
          </div>
          <label class="check">
            <input
              type="checkbox"
              checked={values.recordAudio}
              onChange={(event) => onChange("recordAudio", event.currentTarget.checked)}
            />
            Record sound too
          </label>
        </>
      )}
    </>
  );
}
