import {
  cameraSettings,
  eachPlain,
  isWithin,
  type NumberSetting,
  plainSettings,
} from "@sightline/contracts/camera-settings";
import { labelsFault } from "@sightline/contracts/labels";
import { sentence } from "../words/names.ts";
import {
  type FieldErrors,
  type FieldName,
  type FormValues,
  labelsOf,
  masksOf,
  numberOf,
  secondStagesOf,
} from "./form-values.ts";

/** Checks what can be checked in the browser; the server checks the rest. */
export function checkForm(values: FormValues): FieldErrors {
  const errors: FieldErrors = {};
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(values.id))
    errors.id = "Use 1 to 63 of a–z, 0–9 and “-”, beginning with a letter or digit.";
  const uri = uriFault(values.uri.trim());
  if (uri !== "") errors.uri = uri;
  const recordUri = recordUriFault(values.recordUri.trim());
  if (recordUri !== "") errors.recordUri = recordUri;
  for (const [name, setting] of plainSettings) {
    const fault = setting.kind === "choice" ? "" : numberFault(setting, values[name]);
    if (fault !== "") errors[name] = fault;
  }
  const most = numberOf(values.targetFps);
  if (most > 0 && numberOf(values.floorFps) > most)
    errors.floorFps ??= "No more can be promised than the frames per second that are analysed at most.";
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

/** Why an address cannot be a camera's; empty when it is possible. */
export function uriFault(uri: string): string {
  if (/^(?:(?:rtsps?|https?):\/\/|file:\/\/\/)./i.test(uri)) return "";
  return "An address begins with rtsp://, rtsps://, http:// or https://, or file:/// for a trial.";
}

/** Why an address cannot be that of the recorded stream; empty when it is possible or there is none. */
export function recordUriFault(uri: string): string {
  return uri === "" ? "" : uriFault(uri);
}

/** Why this cannot be a video track's number; empty when it is possible. */
export function videoTrackFault(text: string): string {
  return numberFault(cameraSettings.videoTrack, text);
}

/** Why a text is not a valid number for the setting; empty when it is. */
function numberFault(setting: NumberSetting, text: string): string {
  if (isWithin(setting, numberOf(text))) return "";
  return `Use a ${setting.kind === "whole" ? "whole " : ""}number from ${setting.least} to ${setting.most}, or leave it empty.`;
}

/** Fields that have another name on the server. */
const otherNames: Readonly<Record<string, FieldName>> = {
  cameraId: "id",
  name: "id",
  "recording.mode": "recordMode",
  "recording.maxAgeDays": "recordDays",
  "recording.eventsMaxAgeDays": "recordEventsDays",
  "recording.audio": "recordAudio",
};

/** The field for a path in one of the server's messages: `target_fps` and `targetFps` are the same. */
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
  ...eachPlain((_, { label, called = `The ${label.toLowerCase()}` }) => called),
  id: "The name",
  uri: "The address",
  recordUri: "The address to record from",
  model: "The model",
  classes: "The list of classes",
  labels: "The list of labels",
  secondStages: "The list of second stages",
  recordMode: "When video is kept",
  recordDays: "The number of days",
  recordEventsDays: "The number of days for events",
  recordAudio: "Sound",
  privacyMasks: "The privacy masks",
};

/** The server's message about a field, using the form's name for the field. */
export function fieldMessage(field: FieldName, message: string): string {
  return sentence(
    message.replace(/^(?:camera\.|body\.)?[A-Za-z_]+(?:\.[A-Za-z_]+)?(?=[ :])/, (path) => {
      const name = path.replace(/^(?:camera|body)\./, "");
      return fieldOfPath(name) === field ? fieldLabels[field] : path;
    }),
  );
}

/** The field that the server's error is about, if known: messages begin with the field's path. */
export function fieldOfError(error: { code: string; message: string }): FieldName | undefined {
  const path = /^(?:camera\.|body\.)?([A-Za-z_]+(?:\.[A-Za-z_]+)?)\b/.exec(error.message)?.[1];
  return (
    fieldOfCode[error.code] ?? (error.code === "invalid_argument" && path ? fieldOfPath(path) : undefined)
  );
}

/** The messages of an error by field; it has one line per fault. */
export function refusedFields({ code, message }: { code: string; message: string }): FieldErrors {
  const errors: FieldErrors = {};
  for (const line of message.split("\n")) {
    const field = fieldOfError({ code, message: line });
    if (field) errors[field] ??= fieldMessage(field, line);
  }
  return errors;
}

function isNumberWithin(text: string, most: number): boolean {
  const value = numberOf(text);
  return value >= 0 && value <= most;
}
