import { type Signal, useSignal } from "@preact/signals";
import type { HttpModel } from "@sightline/contracts";
import { SelectField } from "../shell/field.tsx";

interface ChoiceProps {
  id: string;
  label: string;
  value: { value: string };
  of: readonly (readonly [value: string, words: string])[];
  onChange?: () => void;
}

/** A list to choose one of several values. */
export function Choice({ id, label, value, of, onChange }: ChoiceProps) {
  // If nothing is chosen yet, the first value is shown, as the forms use it.
  const shown = of.some(([one]) => one === value.value) ? value.value : (of[0]?.[0] ?? "");
  const choose = (chosen: string) => {
    value.value = chosen;
    onChange?.();
  };
  return <SelectField id={id} label={label} value={shown} options={of} onChange={choose} />;
}

/** The choice for a model; empty fields are left to the server. */
export interface ChosenModel {
  model: Signal<string>;
  version: Signal<string>;
  precision: Signal<string>;
}

export function useChosenModel(): ChosenModel {
  return { model: useSignal(""), version: useSignal(""), precision: useSignal("") };
}

/** The choice in the server's form; `fallback` is the model if none was chosen. */
export function readChosen({ model, version, precision }: ChosenModel, fallback: string) {
  return {
    model: model.value || fallback,
    ...(version.value === "" ? {} : { version: version.value }),
    ...(precision.value === "" ? {} : { precision: precision.value as "int8" | "fp32" }),
  };
}

interface ModelProps {
  id: string;
  /** Labels of its three fields. */
  labels: { model: string; version: string; precision: string };
  models: readonly HttpModel[];
  /** More options, besides the models. */
  none?: readonly (readonly [string, string])[];
  chosen: ChosenModel;
  fallback: string;
  /** Text for the option without a precision. */
  ownPrecision: string;
}

/** Choice of a model, and then of its version and precision. */
export function ModelChoice({ id, labels, models, none = [], chosen, fallback, ownPrecision }: ModelProps) {
  const { model, version, precision } = chosen;
  const name = model.value || fallback;
  const versions = models.find((each) => each.name === name)?.versions ?? [];
  return (
    <>
      <Choice
        id={`${id}-model`}
        label={labels.model}
        value={model}
        of={[...none, ...models.map((each) => [each.name, each.name] as const)]}
        onChange={() => (version.value = "")}
      />
      {name !== "" && (
        <>
          <Choice
            id={`${id}-version`}
            label={labels.version}
            value={version}
            of={[
              ["", "the active one"],
              ...versions.map((each) => [each.version, `${each.number}: ${each.version}`] as const),
            ]}
          />
          <Choice
            id={`${id}-precision`}
            label={labels.precision}
            value={precision}
            of={[
              ["", ownPrecision],
              ["int8", "INT8"],
              ["fp32", "FP32"],
            ]}
          />
        </>
      )}
    </>
  );
}
