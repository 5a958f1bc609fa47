import type { CameraStatus } from "./gen/sightline/v1/camera.ts";

interface FieldUse {
  /**
   * Its name for people: in the console, and in small letters in `camera get`, which show all fields with a label in the table's order. Fields without
   * one have lines of their own, or none.
   */
  readonly label?: string;
  /** What the console says in place of a value that is empty. */
  readonly empty?: string;
  /** Only for services: neither the HTTP API nor `--json` of the commands has it. */
  readonly internal?: true;
}

/** A number; 0 is the default. `whole` means that it has no fraction. */
export interface NumberField extends FieldUse {
  readonly kind: "number" | "whole";
  /** Digits after the point that ingest reports, so that small changes are not written every second; all of them by default. */
  readonly digits?: number;
  /** It is about this moment: 0 when the camera's ingest is gone. */
  readonly momentary?: true;
  /** Ingest's metric with the same number, labelled with the camera. It is a counter if its name ends in `_total`, otherwise a gauge. */
  readonly metric?: { readonly name: string; readonly help: string };
}

/** A text, or a time that may be missing. */
export interface TextField extends FieldUse {
  readonly kind: "text" | "time";
}

/** A field with a structure of its own; each JSON form spells it out. */
interface OwnField extends Pick<FieldUse, "internal"> {
  readonly kind: "own";
}

/**
 * Every field of a camera's status, by its name in JSON and in that order; in protobuf it has the same name in snake case (`capture_fps`). For numbers,
 * texts and times, this line alone decides how the HTTP API, the commands, the console and ingest's metrics show the field.
 */
export const cameraStatusFields = {
  state: { kind: "own" },
  reason: { kind: "own" },
  message: { kind: "text" },
  lastFrameTime: { kind: "time" },
  /** Size of the picture as it is shown, with square pixels. */
  sourceWidth: { kind: "whole" },
  sourceHeight: { kind: "whole" },
  codec: { kind: "text" },
  captureFps: {
    kind: "number",
    digits: 2,
    momentary: true,
    metric: {
      name: "sightline_capture_frames_per_second",
      help: "Frames captured per second, over the last 5 seconds.",
    },
  },
  inferenceFps: {
    kind: "number",
    digits: 2,
    momentary: true,
    metric: {
      name: "sightline_inference_frames_per_second",
      help: "Frames inferred per second, over the last 5 seconds.",
    },
  },
  reconnects: {
    kind: "whole",
    label: "Reconnects",
    metric: {
      name: "sightline_camera_reconnects_total",
      help: "Reconnections since this process took the camera.",
    },
  },
  /** cuda, vaapi or software; empty before the first connection. */
  decoder: { kind: "text" },
  /** Why it is not the requested decoder, or not a faster one; otherwise empty. */
  decoderNote: { kind: "text" },
  /** How much of `floorFps` can be promised now. Its metric is only there for cameras with a floor. */
  promisedFps: { kind: "number" },
  recording: { kind: "own" },
  ingest: { kind: "text", label: "Ingest", empty: "none yet" },
  epoch: { kind: "text", label: "Epoch" },
  ledger: { kind: "own" },
  failedAttempts: { kind: "whole", internal: true },
  unanalysedSeconds: {
    kind: "whole",
    internal: true,
    metric: {
      name: "sightline_camera_unanalysed_seconds",
      help: "Seconds for which frames of a live camera have arrived but none was analysed, although one was due.",
    },
  },
} as const satisfies Readonly<Record<keyof CameraStatus, NumberField | TextField | OwnField>>;

type Table = typeof cameraStatusFields;
type NamesOf<Field> = { [Name in keyof Table]: Table[Name] extends Field ? Name : never }[keyof Table];
/** The fields that JSON does not have. */
type InternalName = NamesOf<{ internal: true }>;
/** The fields of JSON with a structure of their own. */
export type OwnStatusName = Exclude<NamesOf<OwnField>, InternalName>;
/** The numbers, texts and times of JSON. */
export type PlainStatusName = Exclude<keyof Table, OwnStatusName | InternalName>;
/** The numbers, also those that only services see. */
export type StatusNumberName = NamesOf<NumberField>;

type ValueOf<Kind> = Kind extends "text" ? string : Kind extends "time" ? string | null : number;

/** The numbers, texts and times of a status as JSON has them. */
export type PlainStatus = { [Name in PlainStatusName]: ValueOf<Table[Name]["kind"]> };

const fields = Object.entries(cameraStatusFields) as [keyof Table, NumberField | TextField | OwnField][];

const numbers = fields.flatMap(([name, field]): [StatusNumberName, NumberField][] =>
  field.kind === "number" || field.kind === "whole" ? [[name as StatusNumberName, field]] : [],
);

/** Builds an object with the fields of JSON in the table's order: `own` as given, one value for each of the others. */
export function eachStatusField<Own extends Record<OwnStatusName, unknown>, Value>(
  own: Own,
  make: (name: PlainStatusName, field: NumberField | TextField) => Value,
): Own & Record<PlainStatusName, Value> {
  const shown = fields.flatMap(([name, field]): [string, unknown][] => {
    if (field.internal) return [];
    return [[name, field.kind === "own" ? own[name as OwnStatusName] : make(name as PlainStatusName, field)]];
  });
  return Object.fromEntries(shown) as never;
}

/** The numbers, texts and times of a camera that no ingest holds. */
export const plainStatusDefaults = Object.fromEntries(
  fields.flatMap(([name, field]) =>
    field.kind === "own" || field.internal
      ? []
      : [[name, field.kind === "text" ? "" : field.kind === "time" ? null : 0]],
  ),
) as PlainStatus;

/** The fields that people see under a label, with it. */
export const labelledStatus: readonly (readonly [PlainStatusName, FieldUse & { label: string }])[] =
  fields.flatMap(([name, field]) =>
    field.kind !== "own" && field.label !== undefined
      ? [[name as PlainStatusName, { ...field, label: field.label }] as const]
      : [],
  );

/** The numbers that are metrics too, each with its metric. */
export const measuredStatus: readonly (readonly [StatusNumberName, { name: string; help: string }])[] =
  numbers.flatMap(([name, { metric }]) => (metric ? [[name, metric] as const] : []));

/** The numbers about this moment, all 0. */
export const noMomentaryStatus = Object.fromEntries(
  numbers.flatMap(([name, { momentary }]) => (momentary ? [[name, 0]] : [])),
) as Partial<Record<StatusNumberName, number>>;

/** A status with as many digits as ingest reports. */
export function roundStatus(status: CameraStatus): CameraStatus {
  const rounded = numbers.flatMap(([name, { digits }]) =>
    digits === undefined ? [] : [[name, Math.round(status[name] * 10 ** digits) / 10 ** digits]],
  );
  return { ...status, ...Object.fromEntries(rounded) };
}
