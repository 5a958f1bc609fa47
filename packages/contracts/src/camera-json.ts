import { shorten } from "./event-json.ts";
import {
  Camera,
  Decode,
  MaskedVideo,
  Recording,
  RecordingMode,
  type SecondStage,
  Transport,
} from "./gen/sightline/v1/camera.ts";
import type { HttpCamera, HttpCameraChanges } from "./http-cameras.ts";
import { enumName, enumValue } from "./proto-values.ts";

/** What a camera has but for its name, times and status, as the HTTP API and `--json` of the commands show it. */
export function cameraSettingsJson(camera: Camera) {
  return {
    uri: camera.uri,
    recordUri: camera.recordUri,
    transport: enumName(Transport, camera.transport) || "auto",
    videoTrack: camera.videoTrack,
    decode: enumName(Decode, camera.decode) || "default",
    recording: recordingJson(camera.recording),
    privacyMasks: camera.privacyMasks.map(({ polygon }) =>
      polygon.map(({ x, y }): [number, number] => [x, y]),
    ),
    maskedVideo: enumName(MaskedVideo, camera.maskedVideo) || "transcode",
    targetFps: camera.targetFps,
    model: camera.model,
    // A 32-bit float: 0.4 is stored as 0.4000000059604645.
    minScore: shorten(camera.minScore),
    classes: camera.classes,
    labels: camera.labels,
    weight: camera.weight,
    floorFps: camera.floorFps,
    priority: camera.priority,
    secondStages: camera.secondStages,
    hasCredentials: camera.hasCredentials,
    hasRecordCredentials: camera.hasRecordCredentials,
  } satisfies Partial<HttpCamera>;
}

function recordingJson({ mode, ...rest } = Recording.create()): HttpCamera["recording"] {
  return { mode: enumName(RecordingMode, mode) || "default", ...rest };
}

type Lists = "recording" | "classes" | "privacyMasks" | "secondStages";

/** Settings as JSON and the SDK have them; what is not there is at its default in a new camera, and stays as it is in a change. */
export interface GivenCameraSettings extends Omit<HttpCameraChanges, Lists> {
  recording?: Partial<HttpCamera["recording"]> | undefined;
  classes?: readonly string[] | undefined;
  privacyMasks?: readonly (readonly (readonly [x: number, y: number])[])[] | undefined;
  secondStages?: readonly { readonly model: string; readonly classes?: readonly string[] }[] | undefined;
}

/** Settings as CameraService takes them. */
export function cameraOfSettings(settings: GivenCameraSettings): Camera {
  const { transport, decode, recording, classes, privacyMasks, maskedVideo, secondStages, ...rest } =
    settings;
  return Camera.fromPartial({
    ...rest,
    transport: transport && enumValue(Transport, transport),
    decode: decode && enumValue(Decode, decode),
    recording: recording && {
      ...recording,
      mode: recording.mode && enumValue(RecordingMode, recording.mode),
    },
    classes: classes && [...classes],
    privacyMasks: privacyMasks?.map((mask) => ({ polygon: mask.map(([x, y]) => ({ x, y })) })),
    maskedVideo: maskedVideo && enumValue(MaskedVideo, maskedVideo),
    secondStages: secondStages?.map(
      ({ model, classes: of = [] }): SecondStage => ({ model, classes: [...of] }),
    ),
  });
}

/** The update mask of the settings that are there. */
export function cameraPathsOf({ recording = {}, ...others }: GivenCameraSettings): string[] {
  const paths = (settings: object) =>
    Object.entries(settings)
      .filter(([, value]) => value !== undefined)
      .map(([name]) => pathOfSetting(name));
  return [...paths(others), ...paths(recording).map((path) => `recording.${path}`)];
}

/** What update masks call a setting: `target_fps` for `targetFps`. */
export function pathOfSetting(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
