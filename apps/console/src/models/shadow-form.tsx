import { useComputed, useSignal } from "@preact/signals";
import type { HttpModel, HttpNewShadow } from "@sightline/contracts";
import { startShadow } from "../api/model-calls.ts";
import { Fault } from "../shell/fault.tsx";
import { cameras } from "../state/cameras.ts";
import { useAction } from "../state/use-action.ts";
import { Choice } from "./choice.tsx";

interface Props {
  models: readonly HttpModel[];
  onStarted: (id: string) => void;
}

const times = [
  ["60", "1 minute"],
  ["600", "10 minutes"],
  ["3600", "1 hour"],
  ["86400", "1 day"],
  ["", "until it is stopped"],
] as const;
const shares = [
  ["0.01", "1%"],
  ["0.1", "10%"],
  ["0.5", "half"],
  ["1", "all"],
] as const;

/** Starts a shadow. */
export function ShadowForm({ models, onStarted }: Props) {
  const camera = useSignal("");
  const model = useSignal("");
  const version = useSignal("");
  const precision = useSignal("");
  const share = useSignal("0.1");
  const seconds = useSignal("600");
  const { busy, fault, run } = useAction();
  const ids = useComputed(() => (cameras.value ?? []).map(({ id }) => id));
  const chosen = model.value || (models[0]?.name ?? "");
  const versions = models.find(({ name }) => name === chosen)?.versions ?? [];
  const start = () =>
    run(async () => {
      const body: HttpNewShadow = {
        camera: camera.value || (ids.value[0] ?? ""),
        model: chosen,
        share: Number(share.value),
        ...(version.value === "" ? {} : { version: version.value }),
        ...(precision.value === "" ? {} : { precision: precision.value as "int8" | "fp32" }),
        ...(seconds.value === "" ? {} : { seconds: Number(seconds.value) }),
      };
      onStarted((await startShadow(body)).id);
    });
  return (
    <form
      class="settings-form"
      aria-label="Start a shadow"
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <div class="shadow-fields">
        <Choice id="shadow-camera" label="Camera" value={camera} of={ids.value.map((id) => [id, id])} />
        <Choice
          id="shadow-model"
          label="Other model"
          value={model}
          of={models.map(({ name }) => [name, name])}
          onChange={() => (version.value = "")}
        />
        <Choice
          id="shadow-version"
          label="Version"
          value={version}
          of={[
            ["", "the active one"],
            ...versions.map((each) => [each.version, `${each.number}: ${each.version}`] as const),
          ]}
        />
        <Choice
          id="shadow-precision"
          label="Precision"
          value={precision}
          of={[
            ["", "as the worker runs it"],
            ["int8", "INT8"],
            ["fp32", "FP32"],
          ]}
        />
        <Choice id="shadow-share" label="Share of the frames" value={share} of={shares} />
        <Choice id="shadow-time" label="For" value={seconds} of={times} />
      </div>
      <Fault text={fault.value} />
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy.value || ids.value.length === 0}>
          Start the shadow
        </button>
      </div>
    </form>
  );
}
