import { describedBy, Field } from "../shell/field.tsx";
import type { FieldErrors, FieldName, FormValues } from "./form-values.ts";

interface Props {
  values: FormValues;
  errors: FieldErrors;
  /** Whether a user and password are stored for the stream that is recorded. */
  hasRecordCredentials: boolean;
  onChange: <Name extends FieldName>(name: Name, value: FormValues[Name]) => void;
}

/** What is kept of a camera's video, and for how long. */
export function RecordingFields({ values, errors, hasRecordCredentials, onChange }: Props) {
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
      <Field
        id="recordUri"
        label="Record another stream"
        hint={
          hasRecordCredentials
            ? "Its user and password are stored and kept as long as host and port stay the same. Empty: the address above is recorded."
            : "Such as the main stream, where the address above is the sub-stream, with user and password of its own. It must show the same view; it is what is recorded and played live. Empty: the address above."
        }
        error={errors.recordUri}
      >
        <input
          {...describedBy("recordUri", errors.recordUri)}
          value={values.recordUri}
          type="text"
          inputMode="url"
          autoComplete="off"
          spellcheck={false}
          maxLength={2048}
          placeholder="rtsp://"
          onInput={(event) => onChange("recordUri", event.currentTarget.value)}
        />
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
            Record sound too (AAC, of RTSP cameras)
          </label>
        </>
      )}
    </>
  );
}
