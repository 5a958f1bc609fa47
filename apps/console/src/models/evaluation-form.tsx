import { useSignal } from "@preact/signals";
import type { HttpModel, HttpNewEvaluation } from "@sightline/contracts";
import { evaluateModels } from "../api/model-calls.ts";
import { TextField } from "../shell/field.tsx";
import { Fault } from "../shell/notices.tsx";
import { ModelChoice, readChosen, useChosenModel } from "./choice.tsx";
import { FileField, SendingBar, useSending } from "./sending.tsx";

interface Props {
  models: readonly HttpModel[];
  onSent: () => void;
}

/** Form to score one or two versions on a clip with labels. */
export function EvaluationForm({ models, onSent }: Props) {
  const clip = useSignal<File | undefined>(undefined);
  const labels = useSignal<File | undefined>(undefined);
  const minHeight = useSignal("32");
  const first = useChosenModel();
  const second = useChosenModel();
  const sending = useSending();
  const evaluate = async (form: HTMLFormElement) => {
    const [video, annotations] = [clip.value!, labels.value!];
    const one = readChosen(first, models[0]?.name ?? "");
    const other = second.model.value === "" ? [] : [readChosen(second, "")];
    const body: HttpNewEvaluation = {
      models: [one, ...other],
      minHeight: Number(minHeight.value),
      clip: { fileName: video.name, bytes: video.size },
      labels: { fileName: annotations.name, bytes: annotations.size },
    };
    const files = { clip: video, labels: annotations };
    if (!(await sending.run((onProgress, signal) => evaluateModels(body, files, onProgress, signal)))) return;
    form.reset();
    onSent();
  };
  const labelsOf = (model: string) => ({
    model,
    version: `${model}: version`,
    precision: `${model}: precision`,
  });
  const shared = { models, ownPrecision: "as a CPU runs it" };
  return (
    <form
      class="settings-form"
      aria-label="Evaluate on a labelled clip"
      onSubmit={(event) => {
        event.preventDefault();
        void evaluate(event.currentTarget);
      }}
    >
      <FileField
        id="evaluation-clip"
        label="Clip"
        hint="MP4, MOV, Matroska or WebM."
        accept=".mp4,.mov,.mkv,.webm"
        onPick={(file) => (clip.value = file)}
      />
      <FileField
        id="evaluation-labels"
        label="Labels"
        hint="Annotations in COCO's format; the ids of its images are numbers of frames of the clip, and its categories have the names of the model's classes."
        accept=".json"
        onPick={(file) => (labels.value = file)}
      />
      <div class="shadow-fields">
        <ModelChoice
          {...shared}
          id="evaluation-first"
          labels={labelsOf("Model")}
          chosen={first}
          fallback={models[0]?.name ?? ""}
        />
        <ModelChoice
          {...shared}
          id="evaluation-second"
          labels={labelsOf("Beside it")}
          none={[["", "nothing"]]}
          chosen={second}
          fallback=""
        />
        <TextField
          id="evaluation-height"
          label="Boxes taller than, in pixels"
          type="number"
          min={1}
          max={10000}
          required
          value={minHeight.value}
          onChange={(text) => (minHeight.value = text)}
        />
      </div>
      <Fault text={sending.fault} />
      <SendingBar sending={sending} />
      <div class="buttons">
        <button type="submit" class="primary" disabled={sending.sent !== undefined || models.length === 0}>
          Evaluate
        </button>
      </div>
    </form>
  );
}
