import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { describeFailure, RequestError } from "../api/request.ts";
import { describedBy, Field } from "../shell/field.tsx";
import { ModelNotice } from "../shell/model-notice.tsx";
import { system, useSystem } from "../state/system.ts";
import { ClassPicker } from "./class-picker.tsx";
import { ConfirmUntested } from "./confirm-untested.tsx";
import {
  checkForm,
  type FieldErrors,
  type FieldName,
  type FormValues,
  recordUriFault,
  refusedFields,
  uriFault,
  videoTrackFault,
} from "./form-values.ts";
import { PrivacyFields } from "./privacy-fields.tsx";
import { ProbePanel, type Trial } from "./probe-panel.tsx";
import { RecordingFields } from "./recording-fields.tsx";
import { ShareFields } from "./share-fields.tsx";

interface Props {
  initial: FormValues;
  /** False when the camera exists: its id stays. */
  isNew: boolean;
  hasCredentials?: boolean;
  hasRecordCredentials?: boolean;
  cancelTo: string;
  save: (values: FormValues) => Promise<void>;
}

/** A camera's settings, with a test of its address. */
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
          <Field
            id="id"
            label="Name"
            hint="Part of its address and of every event: a–z, 0–9 and “-”."
            error={problem.id}
          >
            <input
              {...describedBy("id", problem.id)}
              value={now.id}
              autoComplete="off"
              spellcheck={false}
              maxLength={63}
              required
              onInput={(event) => set("id", event.currentTarget.value)}
            />
          </Field>
        )}
        <Field
          id="uri"
          label="Address"
          hint={
            hasCredentials
              ? "Its user and password are stored and kept as long as host and port stay the same."
              : "rtsp://user:password@host/path, or http:// for MJPEG and HLS. User and password are stored apart and never shown."
          }
          error={problem.uri}
        >
          <input
            {...describedBy("uri", problem.uri)}
            value={now.uri}
            type="text"
            inputMode="url"
            autoComplete="off"
            spellcheck={false}
            maxLength={2048}
            required
            placeholder="rtsp://"
            onInput={(event) => set("uri", event.currentTarget.value)}
          />
        </Field>
        <div class="form-row">
          <Field
            id="transport"
            label="Transport"
            hint="Automatic is TCP, which loses no packets, or UDP for a camera that has nothing else."
            error={problem.transport}
          >
            <select
              {...describedBy("transport", problem.transport)}
              value={now.transport}
              onChange={(event) => set("transport", event.currentTarget.value as FormValues["transport"])}
            >
              <option value="auto">Automatic</option>
              <option value="tcp">TCP</option>
              <option value="udp">UDP</option>
            </select>
          </Field>
          <Field
            id="videoTrack"
            label="Video track"
            hint="Of a camera that sends several: 1, 2 and so on; empty: the first."
            error={problem.videoTrack}
          >
            <input
              {...describedBy("videoTrack", problem.videoTrack)}
              value={now.videoTrack}
              inputMode="numeric"
              autoComplete="off"
              onInput={(event) => set("videoTrack", event.currentTarget.value)}
            />
          </Field>
        </div>
        <Field id="model" label="Model" hint="What looks for objects in the pictures." error={problem.model}>
          <select
            {...describedBy("model", problem.model)}
            value={now.model}
            onChange={(event) => set("model", event.currentTarget.value)}
          >
            {isNew && <option value="">The default{defaultName(models)}</option>}
            {now.model !== "" && !models.some((model) => model.name === now.model) && (
              <option value={now.model}>{now.model} (no worker serves it now)</option>
            )}
            {models.map((model) => (
              <option key={model.name} value={model.name}>
                {model.name}
              </option>
            ))}
          </select>
        </Field>
        <ModelNotice model={chosenModel?.name ?? now.model} />
        <ClassPicker
          legend="Classes"
          known={chosenModel?.classes ?? []}
          chosen={now.classes}
          error={problem.classes}
          onChange={(classes) => set("classes", classes)}
        />
        <Field
          id="secondStages"
          label="Second stages"
          hint={`Classifiers that look at what is found, each at all of it or at some classes: model: class, class; model. ${offered(stages)}`}
          error={problem.secondStages}
        >
          <input
            {...describedBy("secondStages", problem.secondStages)}
            value={now.secondStages}
            autoComplete="off"
            spellcheck={false}
            onInput={(event) => set("secondStages", event.currentTarget.value)}
          />
        </Field>
        <div class="form-row">
          <Field
            id="minScore"
            label="Minimum score"
            hint="0 to 1; empty: the model's default."
            error={problem.minScore}
          >
            <input
              {...describedBy("minScore", problem.minScore)}
              value={now.minScore}
              inputMode="decimal"
              autoComplete="off"
              onInput={(event) => set("minScore", event.currentTarget.value)}
            />
          </Field>
          <Field
            id="targetFps"
            label="Frames per second"
            hint="At most; empty: every frame."
            error={problem.targetFps}
          >
            <input
              {...describedBy("targetFps", problem.targetFps)}
              value={now.targetFps}
              inputMode="decimal"
              autoComplete="off"
              onInput={(event) => set("targetFps", event.currentTarget.value)}
            />
          </Field>
        </div>
        <ShareFields values={now} errors={problem} onChange={set} />
        <Field
          id="labels"
          label="Labels"
          hint="What it belongs to, such as site=north, floor=2. Users may be bound to labels."
          error={problem.labels}
        >
          <input
            {...describedBy("labels", problem.labels)}
            value={now.labels}
            autoComplete="off"
            spellcheck={false}
            onInput={(event) => set("labels", event.currentTarget.value)}
          />
        </Field>
        <Field
          id="decode"
          label="Decoder"
          hint="Automatic is the fastest that the server's machine has; software takes over where another fails."
          error={problem.decode}
        >
          <select
            {...describedBy("decode", problem.decode)}
            value={now.decode}
            onChange={(event) => set("decode", event.currentTarget.value as FormValues["decode"])}
          >
            <option value="default">As the server is set</option>
            <option value="auto">Automatic</option>
            <option value="cuda">NVIDIA GPU (NVDEC)</option>
            <option value="vaapi">GPU by VA-API</option>
            <option value="software">Software</option>
          </select>
        </Field>
        <RecordingFields
          values={now}
          errors={problem}
          hasRecordCredentials={hasRecordCredentials}
          onChange={set}
        />
        <PrivacyFields values={now} errors={problem} onChange={set} />
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

function defaultName(models: readonly { name: string; isDefault: boolean }[]): string {
  const name = models.find((model) => model.isDefault)?.name;
  return name ? `: ${name}` : "";
}
