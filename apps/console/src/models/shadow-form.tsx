import { useComputed, useSignal } from "@preact/signals";
import type { HttpModel, HttpNewShadow } from "@sightline/contracts";
import { startShadow } from "../api/model-calls.ts";
import { Fault } from "../shell/notices.tsx";
import { cameras } from "../state/cameras.ts";
import { useAction } from "../state/use-request.ts";
import { Choice, ModelChoice, readChosen, useChosenModel } from "./choice.tsx";

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
  const other = useChosenModel();
  const share = useSignal("0.1");
  const seconds = useSignal("600");
  const { busy, fault, run } = useAction();
  const ids = useComputed(() => (cameras.value ?? []).map(({ id }) => id));
  const fallback = models[0]?.name ?? "";
  const start = () =>
    run(async () => {
      const body: HttpNewShadow = {
        camera: camera.value || (ids.value[0] ?? ""),
        ...readChosen(other, fallback),
        share: Number(share.value),
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
        <ModelChoice
          id="shadow"
          labels={{ model: "Other model", version: "Version", precision: "Precision" }}
          models={models}
          chosen={other}
          fallback={fallback}
          ownPrecision="as the worker runs it"
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
