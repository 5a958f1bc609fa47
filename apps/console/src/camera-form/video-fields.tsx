import { describedBy, Field, SelectField, TextField } from "../shell/field.tsx";
import type { BoundField } from "./form-values.ts";
import { PlainFields } from "./plain-fields.tsx";

interface RecordingProps {
  bound: BoundField;
  /** Whether a user and password are stored for the stream that is recorded. */
  hasRecordCredentials: boolean;
}

/** How a camera's video is recorded, and for how long. */
export function RecordingFields({ bound, hasRecordCredentials }: RecordingProps) {
  const mode = bound("recordMode");
  const audio = bound("recordAudio");
  return (
    <>
      <SelectField
        {...mode}
        label="Recording"
        hint="Video as the camera sends it, on the disk of the machine that receives it."
        options={[
          ["default", "As the server is set"],
          ["off", "Off"],
          ["events", "Around events"],
          ["continuous", "Always"],
        ]}
      />
      <TextField
        {...bound("recordUri")}
        label="Record another stream"
        hint={
          hasRecordCredentials
            ? "Its user and password are stored and kept as long as host and port stay the same. Empty: the address above is recorded."
            : "Such as the main stream, where the address above is the sub-stream, with user and password of its own. It must show the same view; it is what is recorded and played live. Empty: the address above."
        }
        type="text"
        inputMode="url"
        spellcheck={false}
        maxLength={2048}
        placeholder="rtsp://"
      />
      {mode.value !== "off" && (
        <>
          <div class="form-row">
            <TextField
              {...bound("recordDays")}
              label="Days to keep video"
              hint="Empty: until its space is needed."
              inputMode="decimal"
            />
            <TextField
              {...bound("recordEventsDays")}
              label="Days to keep video of events"
              hint="Empty: as long as other video."
              inputMode="decimal"
            />
          </div>
          <label class="check">
            <input
              type="checkbox"
              checked={audio.value}
              onChange={(event) => audio.onChange(event.currentTarget.checked)}
            />
            Record sound too (AAC, of RTSP cameras)
          </label>
        </>
      )}
    </>
  );
}

/** Parts of the picture that nobody may see, and how the video is handled then. */
export function PrivacyFields({ bound }: { bound: BoundField }) {
  const { id, value, error, onChange } = bound("privacyMasks");
  const hint =
    "Black in all pictures and video. One a line, as its corners in per cent of width and height: 0,0 50,0 50,100.";
  return (
    <>
      <Field id={id} label="Privacy masks" hint={hint} error={error}>
        <textarea
          {...describedBy(id, { hint, error })}
          rows={Math.max(2, value.split("\n").length)}
          value={value}
          autoComplete="off"
          spellcheck={false}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      </Field>
      {value.trim() !== "" && <PlainFields part="privacy" bound={bound} />}
    </>
  );
}
