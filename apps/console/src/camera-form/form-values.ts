import type { HttpCamera, HttpCameraSettings } from "@sightline/contracts";
import { type Labels, labelsFault, labelTexts, parseLabel } from "@sightline/contracts/labels";
import { sentence } from "../words/names.ts";

/** What the form holds; numbers are text until they are checked. */
export interface FormValues {
  id: string;
  uri: string;
  /** Empty: the stream of `uri` is recorded. */
  recordUri: string;
  transport: HttpCamera["transport"];
  videoTrack: string;
  decode: HttpCamera["decode"];
  model: string;
  classes: string[];
  minScore: string;
  targetFps: string;
  weight: string;
  floorFps: string;
  priority: string;
  /** With commas or spaces between them: "site=north, floor=2". */
  labels: string;
  /** Models that look at what was found: "clothing-colour: person; helmet". */
  secondStages: string;
  recordMode: HttpCamera["recording"]["mode"];
  recordDays: string;
  recordEventsDays: string;
  recordAudio: boolean;
  /** A mask a line, its corners in per cent: "0,0 50,0 50,100". */
  privacyMasks: string;
  maskedVideo: HttpCamera["maskedVideo"];
}

export type FieldName = keyof FormValues;
/** What is wrong, by field. */
export type FieldErrors = Partial<Record<FieldName, string>>;

export const emptyForm: FormValues = {
  id: "",
  uri: "",
  recordUri: "",
  transport: "auto",
  videoTrack: "",
  decode: "default",
  model: "",
  classes: [],
  minScore: "",
  targetFps: "",
  weight: "",
  floorFps: "",
  priority: "",
  labels: "",
  secondStages: "",
  recordMode: "default",
  recordDays: "",
  recordEventsDays: "",
  recordAudio: false,
  privacyMasks: "",
  maskedVideo: "transcode",
};

/** A camera's settings as the form shows them; empty means the default. */
export function formOf(camera: HttpCamera): FormValues {
  const { id, uri, transport, videoTrack, decode, model, classes, minScore, targetFps, recording } = camera;
  const { labels, privacyMasks, maskedVideo, recordUri, weight, floorFps, priority, secondStages } = camera;
  return {
    id,
    uri,
    recordUri,
    transport,
    videoTrack: numberText(videoTrack),
    decode,
    model,
    classes,
    minScore: numberText(minScore),
    targetFps: numberText(targetFps),
    weight: weight === 1 ? "" : numberText(weight),
    floorFps: numberText(floorFps),
    priority: numberText(priority),
    labels: labelTexts(labels).join(", "),
    secondStages: secondStagesText(secondStages),
    recordMode: recording.mode,
    recordDays: numberText(recording.maxAgeDays),
    recordEventsDays: numberText(recording.eventsMaxAgeDays),
    recordAudio: recording.audio,
    privacyMasks: masksText(privacyMasks),
    maskedVideo,
  };
}

/** Checks what can be checked here; the server checks the rest. */
export function checkForm(values: FormValues): FieldErrors {
  const errors: FieldErrors = {};
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(values.id))
    errors.id = "Use 1 to 63 of a–z, 0–9 and “-”, beginning with a letter or digit.";
  const uri = uriFault(values.uri.trim());
  if (uri !== "") errors.uri = uri;
  const recordUri = recordUriFault(values.recordUri.trim());
  if (recordUri !== "") errors.recordUri = recordUri;
  const videoTrack = videoTrackFault(values.videoTrack);
  if (videoTrack !== "") errors.videoTrack = videoTrack;
  if (!isNumberWithin(values.minScore, 1)) errors.minScore = "Use a number from 0 to 1, or leave it empty.";
  if (!isNumberWithin(values.targetFps, 240))
    errors.targetFps = "Use a number from 0 to 240, or leave it empty.";
  Object.assign(errors, shareFaults(values));
  const labels = labelsOf(values.labels);
  if (!labels || labelsFault(labels))
    errors.labels =
      "Write each as name=value, such as site=north: a–z, 0–9, “.”, “_” and “-”, each name once.";
  if (!secondStagesOf(values.secondStages))
    errors.secondStages = "Write each as model, or model: class, class, with “;” between them.";
  for (const field of ["recordDays", "recordEventsDays"] as const)
    if (!isNumberWithin(values[field], 3650))
      errors[field] = "Use a number from 0 to 3650, or leave it empty.";
  if (!masksOf(values.privacyMasks))
    errors.privacyMasks =
      "Write each mask on a line of its own, as its corners in per cent: 0,0 50,0 50,100.";
  return errors;
}

/** Why an address cannot be a camera's; empty when it may be. */
export function uriFault(uri: string): string {
  if (/^(?:(?:rtsps?|https?):\/\/|file:\/\/\/)./i.test(uri)) return "";
  return "An address begins with rtsp://, rtsps://, http:// or https://, or file:/// for a trial.";
}

/** Why an address cannot be that of the stream to be recorded; empty when it may be, or there is none. */
export function recordUriFault(uri: string): string {
  return uri === "" ? "" : uriFault(uri);
}

/** Why this cannot be the number of a video track; empty when it may be. */
export function videoTrackFault(text: string): string {
  const isTrack = Number.isInteger(numberOf(text)) && isNumberWithin(text, 16);
  return isTrack ? "" : "Use a whole number from 1 to 16, or leave it empty.";
}

/** What is wrong with how a camera shares the workers. */
function shareFaults({ weight, floorFps, priority, targetFps }: FormValues): FieldErrors {
  const errors: FieldErrors = {};
  const [heavy, most, place] = [numberOf(weight), numberOf(targetFps), numberOf(priority)];
  if (heavy !== 0 && !(heavy >= 0.1 && heavy <= 10))
    errors.weight = "Use a number from 0.1 to 10, or leave it empty.";
  if (!isNumberWithin(floorFps, 240)) errors.floorFps = "Use a number from 0 to 240, or leave it empty.";
  else if (most > 0 && numberOf(floorFps) > most)
    errors.floorFps = "No more can be promised than the frames per second that are analysed at most.";
  if (!Number.isInteger(place) || Math.abs(place) > 100)
    errors.priority = "Use a whole number from -100 to 100, or leave it empty.";
  return errors;
}

/** The form as settings for the server. */
export function settingsOf(values: FormValues): Required<HttpCameraSettings> {
  return {
    uri: values.uri.trim(),
    recordUri: values.recordUri.trim(),
    transport: values.transport,
    videoTrack: numberOf(values.videoTrack),
    decode: values.decode,
    targetFps: numberOf(values.targetFps),
    weight: numberOf(values.weight),
    floorFps: numberOf(values.floorFps),
    priority: numberOf(values.priority),
    model: values.model,
    minScore: numberOf(values.minScore),
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
    maskedVideo: values.maskedVideo,
  };
}

/** Only the settings in which the form differs from what it began with. */
export function changedSettings(before: FormValues, after: FormValues): Partial<HttpCameraSettings> {
  const old = settingsOf(before);
  const changed = Object.entries(settingsOf(after)).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name as keyof typeof old]),
  );
  return Object.fromEntries(changed) as Partial<HttpCameraSettings>;
}

/** Fields that the server calls otherwise. */
const otherNames: Readonly<Record<string, FieldName>> = {
  cameraId: "id",
  name: "id",
  "recording.mode": "recordMode",
  "recording.maxAgeDays": "recordDays",
  "recording.eventsMaxAgeDays": "recordEventsDays",
  "recording.audio": "recordAudio",
};

/** The field of a path in one of the server's messages: `target_fps` and `targetFps` are the same. */
function fieldOfPath(path: string): FieldName | undefined {
  const name = path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const field = otherNames[name] ?? name;
  return Object.hasOwn(fieldLabels, field) ? (field as FieldName) : undefined;
}

const fieldOfCode: Readonly<Record<string, FieldName>> = {
  camera_exists: "id",
  model_not_served: "model",
  unknown_class: "classes",
  floor_not_promised: "floorFps",
};

const fieldLabels: Readonly<Record<FieldName, string>> = {
  id: "The name",
  uri: "The address",
  recordUri: "The address to record from",
  transport: "The transport",
  videoTrack: "The video track",
  decode: "The decoder",
  model: "The model",
  classes: "The list of classes",
  minScore: "The minimum score",
  targetFps: "The number of frames per second",
  weight: "The weight",
  floorFps: "The floor",
  priority: "The priority",
  labels: "The list of labels",
  secondStages: "The list of second stages",
  recordMode: "When video is kept",
  recordDays: "The number of days",
  recordEventsDays: "The number of days for events",
  recordAudio: "Sound",
  privacyMasks: "The privacy masks",
  maskedVideo: "What becomes of the video",
};

/** What the server's refusal says of a field, with the field called as the form does. */
export function fieldMessage(field: FieldName, message: string): string {
  return sentence(
    message.replace(/^(?:camera\.|body\.)?[A-Za-z_]+(?:\.[A-Za-z_]+)?(?=[ :])/, (path) => {
      const name = path.replace(/^(?:camera|body)\./, "");
      return fieldOfPath(name) === field ? fieldLabels[field] : path;
    }),
  );
}

/** The two forms joined, when both began as `before`: theirs, with what was changed in mine. */
export function mergeForms(before: FormValues, mine: FormValues, theirs: FormValues): FormValues {
  const changed = Object.entries(mine).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as FieldName]),
  );
  return { ...theirs, ...Object.fromEntries(changed) };
}

/** The field that the server's refusal is about, if that can be told: messages begin with the field's path. */
export function fieldOfError(error: { code: string; message: string }): FieldName | undefined {
  const path = /^(?:camera\.|body\.)?([A-Za-z_]+(?:\.[A-Za-z_]+)?)\b/.exec(error.message)?.[1];
  return (
    fieldOfCode[error.code] ?? (error.code === "invalid_argument" && path ? fieldOfPath(path) : undefined)
  );
}

/** What a refusal says of each field; it has a line for each fault. */
export function refusedFields({ code, message }: { code: string; message: string }): FieldErrors {
  const errors: FieldErrors = {};
  for (const line of message.split("\n")) {
    const field = fieldOfError({ code, message: line });
    if (field) errors[field] ??= fieldMessage(field, line);
  }
  return errors;
}

/** The labels that were written; undefined when they cannot be read, or one is there twice. */
export function labelsOf(text: string): Labels | undefined {
  const labels = new Map<string, string>();
  for (const word of text.split(/[\s,]+/).filter((each) => each !== "")) {
    const label = parseLabel(word);
    if (!label || labels.has(label.key)) return undefined;
    labels.set(label.key, label.value);
  }
  return Object.fromEntries(labels);
}

/** The second stages that were written; undefined when they cannot be read. */
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

/** The masks that were written; undefined when they cannot be read. */
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

function isNumberWithin(text: string, most: number): boolean {
  const value = numberOf(text);
  return value >= 0 && value <= most;
}

function numberOf(text: string): number {
  return text.trim() === "" ? 0 : Number(text.trim().replace(",", "."));
}

function numberText(value: number): string {
  return value === 0 ? "" : String(value);
}
