import {
  type ChoiceName,
  type ChoiceSetting,
  cameraSettings,
  defaultOf,
  eachPlain,
  type GivenCameraSettings,
  isWithin,
  type NumberSetting,
  type PlainName,
  type PlainSettings,
  pathOfSetting,
  rangeText,
} from "./camera-settings.ts";
import { eachStatusField, type OwnStatusName, type PlainStatus } from "./camera-status.ts";
import {
  Camera,
  type CameraReason,
  type CameraState,
  type CameraStatus,
  Decode,
  MaskedVideo,
  Recording,
  RecordingMode,
  type RecordingStatus,
  type RecordStreamStatus,
  type SecondStage,
  Transport,
} from "./gen/sightline/v1/camera.ts";
import { FrameLedger } from "./gen/sightline/v1/frame.ts";
import type { HttpCamera, HttpLedger } from "./http-cameras.ts";
import { dropReasonLabel, enumName, enumValue, shortestFloat, toIso } from "./proto-values.ts";

/** The enum of each choice; its values are named after the setting's path: TRANSPORT_TCP. */
const enums: Readonly<Record<ChoiceName, Readonly<Record<string, number>>>> = {
  transport: Transport,
  decode: Decode,
  maskedVideo: MaskedVideo,
};

/** The numbers and choices of a camera; a choice that this version does not know gets its default. */
export function plainSettingsJson(camera: Readonly<Record<PlainName, number>>): PlainSettings {
  return eachPlain((name, setting) => {
    const value = camera[name];
    if (setting.kind === "choice") return enumName(enums[name as ChoiceName], value) || defaultOf(setting);
    return setting.float ? shortestFloat(value) : value;
  }) as PlainSettings;
}

/** Whether a camera has a choice that this version does not know; a server of a later version may send one. */
export function isUnknownChoice(camera: Camera, name: ChoiceName): boolean {
  return !Object.values(enums[name]).includes(camera[name]);
}

/** What is wrong with a number or choice of a camera, in words; undefined when it is valid. */
export function plainFault(camera: Camera, name: PlainName): string | undefined {
  const setting: NumberSetting | ChoiceSetting = cameraSettings[name];
  const path = pathOfSetting(name);
  const value = camera[name];
  const wrong = (expected: string) => `camera.${path} is ${value}; expected ${expected}`;
  if (setting.kind !== "choice") return isWithin(setting, value) ? undefined : wrong(rangeText(setting));
  if (!isUnknownChoice(camera, name as ChoiceName)) return undefined;
  const words = Object.keys(enums[name as ChoiceName]).filter((word) => word !== "UNSPECIFIED");
  return wrong(`${words.map((word) => `${path.toUpperCase()}_${word}`).join(", ")}, or none`);
}

/** A camera's settings without its name, times and status, as the HTTP API and `--json` of the commands show them. */
export function cameraSettingsJson(camera: Camera) {
  return {
    ...plainSettingsJson(camera),
    uri: camera.uri,
    recordUri: camera.recordUri,
    recording: recordingJson(camera.recording),
    privacyMasks: camera.privacyMasks.map(({ polygon }) =>
      polygon.map(({ x, y }): [number, number] => [x, y]),
    ),
    model: camera.model,
    classes: camera.classes,
    labels: camera.labels,
    secondStages: camera.secondStages,
    hasCredentials: camera.hasCredentials,
    hasRecordCredentials: camera.hasRecordCredentials,
  } satisfies Partial<HttpCamera>;
}

/**
 * A camera's status in a JSON form: numbers, texts and times from the table of its fields, `own` as given. `number` says how the form writes numbers with
 * a fraction.
 */
export function cameraStatusJson<Own extends Record<OwnStatusName, unknown>>(
  status: CameraStatus,
  own: Own,
  number: (value: number) => number = (value) => value,
): Own & PlainStatus {
  return eachStatusField(own, (name, { kind }) => {
    const value = status[name];
    if (typeof value === "number") return kind === "number" ? number(value) : value;
    return typeof value === "string" ? value : toIso(value);
  }) as Own & PlainStatus;
}

/** How a JSON form names the enums of a status. */
export interface StatusNames<Mode, State, Reason> {
  mode: (mode: RecordingMode) => Mode;
  state: (state: CameraState) => State;
  reason: (reason: CameraReason) => Reason;
}

/** What is recorded of a camera in a JSON form. The number of failed attempts is only for services, as in a camera's status. */
export function recordingStatusJson<Mode, State, Reason>(
  { mode, active, message, soundMessage, bytes, oldestTime, stream }: RecordingStatus,
  names: StatusNames<Mode, State, Reason>,
) {
  return {
    ...{ mode: names.mode(mode), active, message, soundMessage, bytes, oldestTime: toIso(oldestTime) },
    stream: stream ? recordStreamJson(stream, names) : null,
  };
}

function recordStreamJson<State, Reason>(
  { failedAttempts: _, state, reason, ...stream }: RecordStreamStatus,
  names: Pick<StatusNames<unknown, State, Reason>, "state" | "reason">,
) {
  return { state: names.state(state), reason: names.reason(reason), ...stream };
}

/** A camera's ledger in JSON, its drops by reason; without one, all is 0. */
export function ledgerJson({ captured, inferred, dropped, inFlight } = FrameLedger.create()): HttpLedger {
  const counts = dropped.map(({ reason, count }) => [dropReasonLabel(reason), count]);
  return { captured, inferred, dropped: Object.fromEntries(counts), inFlight };
}

function recordingJson({ mode, ...rest } = Recording.create()): HttpCamera["recording"] {
  return { mode: enumName(RecordingMode, mode) || "default", ...rest };
}

/** Settings as CameraService takes them. */
export function cameraOfSettings(settings: GivenCameraSettings): Camera {
  const { recording, labels, classes, privacyMasks, secondStages, ...rest } = settings;
  return Camera.fromPartial({
    ...rest,
    ...choicesOf(settings),
    recording: recording && {
      ...recording,
      mode: recording.mode && enumValue(RecordingMode, recording.mode),
    },
    labels: labels && { ...labels },
    classes: classes && [...classes],
    privacyMasks: privacyMasks?.map((mask) => ({ polygon: mask.map(([x, y]) => ({ x, y })) })),
    secondStages: secondStages?.map(
      ({ model, classes: of = [] }): SecondStage => ({ model, classes: [...of] }),
    ),
  });
}

/** The enum numbers of the choices that were given. */
function choicesOf(settings: GivenCameraSettings): Record<ChoiceName, never> {
  const given = Object.entries(enums).map(([name, values]) => {
    const choice = settings[name as ChoiceName];
    return [name, choice && enumValue(values, choice)];
  });
  return Object.fromEntries(given) as never;
}

/** The update mask of the settings that were given. */
export function cameraPathsOf({ recording = {}, ...others }: GivenCameraSettings): string[] {
  const paths = (settings: object) =>
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([name]) => pathOfSetting(name));
  return [...paths(others), ...paths(recording).map((path) => `recording.${path}`)];
}
