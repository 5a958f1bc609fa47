import { describedBy, Field } from "../shell/field.tsx";
import type { FieldErrors, FieldName, FormValues } from "./form-values.ts";

interface Props {
  values: FormValues;
  errors: FieldErrors;
  onChange: <Name extends FieldName>(name: Name, value: FormValues[Name]) => void;
}

/** Parts of the picture that nobody may see, and what becomes of the video then. */
export function PrivacyFields({ values, errors, onChange }: Props) {
  return (
    <>
      <Field
        id="privacyMasks"
        label="Privacy masks"
        hint="Black in all pictures and video. One a line, as its corners in per cent of width and height: 0,0 50,0 50,100."
        error={errors.privacyMasks}
      >
        <textarea
          {...describedBy("privacyMasks", errors.privacyMasks)}
          rows={Math.max(2, values.privacyMasks.split("\n").length)}
          value={values.privacyMasks}
          autoComplete="off"
          spellcheck={false}
          onInput={(event) => onChange("privacyMasks", event.currentTarget.value)}
        />
      </Field>
      {values.privacyMasks.trim() !== "" && (
        <Field
          id="maskedVideo"
          label="Video with masks"
          hint="Encoding takes about a core for 1080p while it is recorded or watched."
          error={errors.maskedVideo}
        >
          <select
            {...describedBy("maskedVideo", errors.maskedVideo)}
            value={values.maskedVideo}
            onChange={(event) =>
              onChange("maskedVideo", event.currentTarget.value as FormValues["maskedVideo"])
            }
          >
            <option value="transcode">Re-encode it, masked</option>
            <option value="off">None: no recordings, clips and live video</option>
          </select>
        </Field>
      )}
    </>
  );
}
