import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { describeFailure, RequestError } from "../api/request.ts";
import { SelectField, TextField } from "../shell/field.tsx";
import { ModelNotice } from "../shell/notices.tsx";
import { system, useSystem } from "../state/system.ts";
import { checkForm, recordUriFault, refusedFields, uriFault, videoTrackFault } from "./check-form.ts";
import { ClassPicker } from "./class-picker.tsx";
import { ConfirmUntested } from "./confirm-untested.tsx";
import type { BoundField, FieldErrors, FieldName, FormValues } from "./form-values.ts";
import { PlainFields } from "./plain-fields.tsx";
import { ProbePanel, type Trial } from "./probe-panel.tsx";
import { PrivacyFields, RecordingFields } from "./video-fields.tsx";

interface Props {
  initial: FormValues;
  /** False when the camera exists: its id cannot change. */
  isNew: boolean;
  hasCredentials?: boolean;
  hasRecordCredentials?: boolean;
  cancelTo: string;
  save: (values: FormValues) => Promise<void>;
}

/** A form for a camera's settings, with a test of its address. */
export function CameraForm({
  initial,
  isNew,
  hasCredentials = false,
  hasRecordCredentials = false,
  cancelTo,
  save,
}: Props) {
  useSystem();
  const values = useSignal(initial);
  const errors = useSignal<FieldErrors>({});
  const fault = useSignal("");
  const busy = useSignal(false);
  const trial = useSignal<Trial | undefined>(undefined);
  const asking = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const now = values.value;

  const set = <Name extends FieldName>(name: Name, value: FormValues[Name]) => {
    values.value = { ...values.value, [name]: value };
    errors.value = { ...errors.value, [name]: undefined };
  };
  const bound: BoundField = (name) => ({
    id: name,
    value: values.value[name],
    error: errors.value[name],
    onChange: (value) => set(name, value),
  });
  const showErrors = (found: FieldErrors) => {
    errors.value = found;
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  };
  const submit = (event: Event) => {
    event.preventDefault();
    fault.value = "";
    const found = checkForm(values.value);
    if (Object.keys(found).length > 0) showErrors(found);
    else if (isNew && trial.value?.result.ok !== true) asking.value = true;
    else void send();
  };
  const send = async () => {
    busy.value = true;
    try {
      await save(values.value);
    } catch (error) {
      const refused = error instanceof RequestError ? error : undefined;
      const found = refused ? refusedFields(refused) : {};
      if (Object.keys(found).length > 0) showErrors(found);
      else fault.value = describeFailure(error);
    } finally {
      busy.value = false;
    }
  };

  const untestable = {
    uri: uriFault(now.uri.trim()) || undefined,
    recordUri: recordUriFault(now.recordUri.trim()) || undefined,
    videoTrack: videoTrackFault(now.videoTrack) || undefined,
  };
  const models = system.value?.models ?? [];
  const stages = (system.value?.workers ?? []).flatMap(({ secondStages = [] }) =>
    secondStages.map(({ model }) => model),
  );
  const chosenModel = models.find((model) => (now.model === "" ? model.isDefault : model.name === now.model));
  const problem = errors.value;
  return (
    <form class="camera-form" ref={form} onSubmit={submit} noValidate>
      <div class="form-main panel">
        {isNew && (
          <TextField
            {...bound("id")}
            label="Name"
            hint="Part of its address and of every event: a–z, 0–9 and “-”."
            spellcheck={false}
            maxLength={63}
            required
          />
        )}
        <TextField
          {...bound("uri")}
          label="Address"
          hint={
            hasCredentials
              ? "Its user and password are stored and kept as long as host and port stay the same."
              : "rtsp://user:password@host/path, or http:// for MJPEG and HLS. User and password are stored apart and never shown."
          }
          type="text"
          inputMode="url"
          spellcheck={false}
          maxLength={2048}
          required
          placeholder="rtsp://"
        />
        <PlainFields part="stream" bound={bound} />
        <SelectField
          {...bound("model")}
          label="Model"
          hint="What looks for objects in the pictures."
          options={modelOptions(models, now.model, isNew)}
        />
        <ModelNotice model={chosenModel?.name ?? now.model} />
        <ClassPicker
          legend="Classes"
          known={chosenModel?.classes ?? []}
          chosen={now.classes}
          error={problem.classes}
          onChange={(classes) => set("classes", classes)}
        />
        <TextField
          {...bound("secondStages")}
          label="Second stages"
          hint={`Classifiers that look at what is found, each at all of it or at some classes: model: class, class; model. ${offered(stages)}`}
          spellcheck={false}
        />
        <PlainFields part="analysis" bound={bound} />
        <fieldset class="shares">
          <legend>Under overload</legend>
          <PlainFields part="overload" bound={bound} />
        </fieldset>
        <TextField
          {...bound("labels")}
          label="Labels"
          hint="What it belongs to, such as site=north, floor=2. Users may be bound to labels."
          spellcheck={false}
        />
        <PlainFields part="decoding" bound={bound} />
        <RecordingFields bound={bound} hasRecordCredentials={hasRecordCredentials} />
        <PrivacyFields bound={bound} />
        {fault.value !== "" && (
          <p class="fault" role="alert">
            {fault.value}
          </p>
        )}
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy.value}>
            {isNew ? "Add camera" : "Save changes"}
          </button>
          <a class="button" href={cancelTo}>
            Cancel
          </a>
        </div>
      </div>
      <ProbePanel
        uri={now.uri}
        recordUri={now.recordUri}
        transport={now.transport}
        videoTrack={now.videoTrack}
        fault={untestable.uri ?? untestable.videoTrack ?? untestable.recordUri ?? ""}
        onFault={() => showErrors({ ...errors.value, ...untestable })}
        onTrial={(next) => (trial.value = next)}
      />
      {asking.value && (
        <ConfirmUntested
          result={trial.value?.result}
          onConfirm={send}
          onClose={() => (asking.value = false)}
        />
      )}
    </form>
  );
}

function offered(stages: readonly string[]): string {
  const names = [...new Set(stages)].sort();
  return names.length > 0 ? `There are: ${names.join(", ")}.` : "No worker has any now.";
}

/** The models to choose from; each with its value and its text. */
function modelOptions(
  models: readonly { name: string; isDefault: boolean }[],
  chosen: string,
  isNew: boolean,
): [string, string][] {
  const isServed = chosen === "" || models.some(({ name }) => name === chosen);
  return [
    ...(isNew ? [["", `The default${defaultName(models)}`] as [string, string]] : []),
    ...(isServed ? [] : [[chosen, `${chosen} (no worker serves it now)`] as [string, string]]),
    ...models.map(({ name }): [string, string] => [name, name]),
  ];
}

function defaultName(models: readonly { name: string; isDefault: boolean }[]): string {
  const name = models.find((model) => model.isDefault)?.name;
  return name ? `: ${name}` : "";
}
