import type { HttpCamera, HttpCameraSettings } from "@sightline/contracts";
import { defaultOf, eachPlain, type PlainSettings } from "@sightline/contracts/camera-settings";
import { type Labels, labelTexts, parseLabel } from "@sightline/contracts/labels";

/** Numbers as text until they are checked, and choices; empty means the default. */
type PlainValues = {
  [Name in keyof PlainSettings]: PlainSettings[Name] extends number ? string : PlainSettings[Name];
};

/** The values of the form. */
export interface FormValues extends PlainValues {
  id: string;
  uri: string;
  /** Empty: the stream of `uri` is recorded. */
  recordUri: string;
  model: string;
  classes: string[];
  /** Separated by commas or spaces: "site=north, floor=2". */
  labels: string;
  /** Models that look at the objects found: "clothing-colour: person; helmet". */
  secondStages: string;
  recordMode: HttpCamera["recording"]["mode"];
  recordDays: string;
  recordEventsDays: string;
  recordAudio: boolean;
  /** One mask per line, its corners in per cent: "0,0 50,0 50,100". */
  privacyMasks: string;
}

export type FieldName = keyof FormValues;
/** Error messages by field. */
export type FieldErrors = Partial<Record<FieldName, string>>;

/** Connects a field of the page to the form's value of this name. */
export type BoundField = <Name extends FieldName>(
  name: Name,
) => {
  id: Name;
  value: FormValues[Name];
  error: string | undefined;
  onChange: (value: FormValues[Name]) => void;
};

export const emptyForm: FormValues = {
  ...plainValues({}),
  id: "",
  uri: "",
  recordUri: "",
  model: "",
  classes: [],
  labels: "",
  secondStages: "",
  recordMode: "default",
  recordDays: "",
  recordEventsDays: "",
  recordAudio: false,
  privacyMasks: "",
};

/** A camera's settings as form values; empty means the default. */
export function formOf(camera: HttpCamera): FormValues {
  const { id, uri, recordUri, model, classes, labels, secondStages, recording, privacyMasks } = camera;
  return {
    ...plainValues(camera),
    id,
    uri,
    recordUri,
    model,
    classes,
    labels: labelTexts(labels).join(", "),
    secondStages: secondStagesText(secondStages),
    recordMode: recording.mode,
    recordDays: numberText(recording.maxAgeDays),
    recordEventsDays: numberText(recording.eventsMaxAgeDays),
    recordAudio: recording.audio,
    privacyMasks: masksText(privacyMasks),
  };
}

/** Numbers and choices as form values. */
function plainValues(settings: Partial<PlainSettings>): PlainValues {
  return eachPlain((name, setting) => {
    const value = settings[name] ?? defaultOf(setting);
    if (setting.kind === "choice") return value;
    return value === defaultOf(setting) ? "" : String(value);
  }) as PlainValues;
}

/** The form values as settings for the server. */
export function settingsOf(values: FormValues): Required<HttpCameraSettings> {
  const plain = eachPlain((name, { kind }) => (kind === "choice" ? values[name] : numberOf(values[name])));
  return {
    ...(plain as PlainSettings),
    uri: values.uri.trim(),
    recordUri: values.recordUri.trim(),
    model: values.model,
    classes: values.classes,
    labels: labelsOf(values.labels) ?? {},
    secondStages: secondStagesOf(values.secondStages) ?? [],
    recording: {
      mode: values.recordMode,
      maxAgeDays: numberOf(values.recordDays),
      eventsMaxAgeDays: numberOf(values.recordEventsDays),
      audio: values.recordAudio,
    },
    privacyMasks: masksOf(values.privacyMasks) ?? [],
  };
}

/** Only the settings that differ from the form's initial values. */
export function changedSettings(before: FormValues, after: FormValues): Partial<HttpCameraSettings> {
  const old = settingsOf(before);
  const changed = Object.entries(settingsOf(after)).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name as keyof typeof old]),
  );
  return Object.fromEntries(changed) as Partial<HttpCameraSettings>;
}

/** Merges two forms that both began as `before`: takes theirs, plus my changes. */
export function mergeForms(before: FormValues, mine: FormValues, theirs: FormValues): FormValues {
  const changed = Object.entries(mine).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as FieldName]),
  );
  return { ...theirs, ...Object.fromEntries(changed) };
}

/** Parses labels; undefined when they are invalid or one is repeated. */
export function labelsOf(text: string): Labels | undefined {
  const labels = new Map<string, string>();
  for (const word of text.split(/[\s,]+/).filter((each) => each !== "")) {
    const label = parseLabel(word);
    if (!label || labels.has(label.key)) return undefined;
    labels.set(label.key, label.value);
  }
  return Object.fromEntries(labels);
}

/** Parses second stages; undefined when they are invalid. */
export function secondStagesOf(text: string): HttpCamera["secondStages"] | undefined {
  const stages = text
    .split(";")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const [model = "", list, ...rest] = part.split(":").map((each) => each.trim());
      const classes = list === undefined ? [] : list.split(",").map((name) => name.trim());
      return model === "" || rest.length > 0 || classes.includes("") ? undefined : { model, classes };
    });
  return stages.includes(undefined) ? undefined : (stages as HttpCamera["secondStages"]);
}

export function secondStagesText(stages: HttpCamera["secondStages"]): string {
  return stages
    .map(({ model, classes }) => (classes.length > 0 ? `${model}: ${classes.join(", ")}` : model))
    .join("; ");
}

/** Parses masks; undefined when they are invalid. */
export function masksOf(text: string): HttpCamera["privacyMasks"] | undefined {
  const masks = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => line.split(/[\s;]+/).map(cornerOf));
  const isWhole = (mask: (Corner | undefined)[]): mask is Corner[] =>
    mask.length >= 3 && mask.every((corner) => corner !== undefined);
  return masks.every(isWhole) ? masks : undefined;
}

type Corner = [x: number, y: number];

function cornerOf(text: string): Corner | undefined {
  const [, x, y] = /^([\d.]+),([\d.]+)$/.exec(text) ?? [];
  const [across, down] = [Number(x) / 100, Number(y) / 100];
  return across >= 0 && across <= 1 && down >= 0 && down <= 1 ? [across, down] : undefined;
}

function masksText(masks: HttpCamera["privacyMasks"]): string {
  const percent = (value: number) => Number((value * 100).toFixed(2));
  return masks.map((mask) => mask.map(([x, y]) => `${percent(x)},${percent(y)}`).join(" ")).join("\n");
}

export function numberOf(text: string): number {
  return text.trim() === "" ? 0 : Number(text.trim().replace(",", "."));
}

function numberText(value: number): string {
  return value === 0 ? "" : String(value);
}
