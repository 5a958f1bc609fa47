import { type Signal, useSignal } from "@preact/signals";
import type { HttpModel, HttpNewEvaluation } from "@sightline/contracts";
import { evaluateModels } from "../api/model-job-calls.ts";
import { Fault } from "../shell/fault.tsx";
import { Field } from "../shell/field.tsx";
import { Choice } from "./choice.tsx";
import { SendingBar, useSending } from "./sending.tsx";

interface Props {
  models: readonly HttpModel[];
  onSent: () => void;
}

type Evaluated = HttpNewEvaluation["models"][number];

/** Scores a version, or two, on a clip with labels. */
export function EvaluationForm({ models, onSent }: Props) {
  const clip = useSignal<File | undefined>(undefined);
  const labels = useSignal<File | undefined>(undefined);
  const minHeight = useSignal("32");
  const first = useChosen();
  const second = useChosen();
  const sending = useSending();
  const evaluate = async (form: HTMLFormElement) => {
    const [video, annotations] = [clip.value!, labels.value!];
    const one = read(first, models[0]?.name ?? "");
    const other = second.model.value === "" ? [] : [read(second, second.model.value)];
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
  const names = models.map(({ name }) => [name, name] as const);
  return (
    <form
      class="settings-form"
      aria-label="Evaluate on a labelled clip"
      onSubmit={(event) => {
        event.preventDefault();
        void evaluate(event.currentTarget);
      }}
    >
      <FilePicker
        id="evaluation-clip"
        label="Clip"
        hint="MP4, MOV, Matroska or WebM."
        accept=".mp4,.mov,.mkv,.webm"
        file={clip}
      />
      <FilePicker
        id="evaluation-labels"
        label="Labels"
        hint="Annotations in COCO's format; the ids of its images are numbers of frames of the clip, and its categories have the names of the model's classes."
        accept=".json"
        file={labels}
      />
      <div class="shadow-fields">
        <Chosen
          id="evaluation-first"
          label="Model"
          models={models}
          names={names}
          chosen={first}
          fallback={models[0]?.name ?? ""}
        />
        <Chosen
          id="evaluation-second"
          label="Beside it"
          models={models}
          names={[["", "nothing"], ...names]}
          chosen={second}
          fallback=""
        />
        <Field id="evaluation-height" label="Boxes taller than, in pixels">
          <input
            id="evaluation-height"
            type="number"
            min={1}
            max={10000}
            required
            value={minHeight.value}
            onInput={(event) => (minHeight.value = event.currentTarget.value)}
          />
        </Field>
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

interface PickerProps {
  id: string;
  label: string;
  hint: string;
  accept: string;
  file: Signal<File | undefined>;
}

function FilePicker({ id, label, hint, accept, file }: PickerProps) {
  return (
    <Field id={id} label={label} hint={hint}>
      <input
        id={id}
        type="file"
        accept={accept}
        required
        aria-describedby={`${id}-hint`}
        onChange={(event) => (file.value = event.currentTarget.files?.[0])}
      />
    </Field>
  );
}

interface ChosenModel {
  model: Signal<string>;
  version: Signal<string>;
  precision: Signal<string>;
}

function useChosen(): ChosenModel {
  return { model: useSignal(""), version: useSignal(""), precision: useSignal("") };
}

function read({ model, version, precision }: ChosenModel, fallback: string): Evaluated {
  return {
    model: model.value || fallback,
    ...(version.value === "" ? {} : { version: version.value }),
    ...(precision.value === "" ? {} : { precision: precision.value as "int8" | "fp32" }),
  };
}

interface ChosenProps {
  id: string;
  label: string;
  models: readonly HttpModel[];
  names: readonly (readonly [string, string])[];
  chosen: ChosenModel;
  fallback: string;
}

/** A model, and when there is one its version and precision. */
function Chosen({ id, label, models, names, chosen, fallback }: ChosenProps) {
  const { model, version, precision } = chosen;
  const name = model.value || fallback;
  const versions = models.find((each) => each.name === name)?.versions ?? [];
  return (
    <>
      <Choice
        id={`${id}-model`}
        label={label}
        value={model}
        of={names}
        onChange={() => (version.value = "")}
      />
      {name !== "" && (
        <>
          <Choice
            id={`${id}-version`}
            label={`${label}: version`}
            value={version}
            of={[
              ["", "the active one"],
              ...versions.map((each) => [each.version, `${each.number}: ${each.version}`] as const),
            ]}
          />
          <Choice
            id={`${id}-precision`}
            label={`${label}: precision`}
            value={precision}
            of={[
              ["", "as a CPU runs it"],
              ["int8", "INT8"],
              ["fp32", "FP32"],
            ]}
          />
        </>
      )}
    </>
  );
}
