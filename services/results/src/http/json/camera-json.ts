import {
  Camera,
  CameraReason,
  CameraState,
  CameraStatus,
  cameraIdOf,
  cameraName,
  Decode,
  dropReasonLabel,
  enumName,
  type HttpCamera,
  type HttpCameraChanges,
  type HttpCameraStatus,
  type HttpRecordingStatus,
  MaskedVideo,
  Recording,
  RecordingMode,
  type RecordingStatus,
  type RecordStreamStatus,
  shorten,
  Transport,
  toIso,
} from "@sightline/contracts";
import { transports } from "../../cameras/camera-message.ts";
import { recordingModeName, recordingModes, recordingPaths } from "../../cameras/camera-recording.ts";
import { decodes, type FormFaults, type UpdatablePath } from "../../cameras/camera-settings.ts";
import type { BodyFields } from "../body-fields.ts";

const transportNames: Readonly<Record<number, HttpCamera["transport"]>> = {
  [Transport.TCP]: "tcp",
  [Transport.UDP]: "udp",
};

const decodeNames: Readonly<Record<number, HttpCamera["decode"]>> = {
  [Decode.AUTO]: "auto",
  [Decode.CUDA]: "cuda",
  [Decode.VAAPI]: "vaapi",
  [Decode.SOFTWARE]: "software",
};

const maskedVideos = { transcode: MaskedVideo.TRANSCODE, off: MaskedVideo.OFF } as const;

type HttpLedger = HttpCameraStatus["ledger"];

/** A camera as JSON shows it, but for what is made of its last seconds. */
export function toHttpCamera(camera: Camera): Omit<HttpCamera, "figures" | "findings"> {
  return {
    id: cameraIdOf(camera.name) ?? "",
    uri: camera.uri,
    recordUri: camera.recordUri,
    transport: transportNames[camera.transport] ?? "auto",
    videoTrack: camera.videoTrack,
    decode: decodeNames[camera.decode] ?? "default",
    recording: toHttpRecording(camera.recording),
    privacyMasks: camera.privacyMasks.map(({ polygon }) => polygon.map(({ x, y }) => [x, y])),
    maskedVideo: camera.maskedVideo === MaskedVideo.OFF ? "off" : "transcode",
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
    createTime: toIso(camera.createTime) ?? "",
    updateTime: toIso(camera.updateTime) ?? "",
    etag: camera.etag,
    status: toHttpStatus(camera.status ?? CameraStatus.create()),
  };
}

/** Settings as JSON has them, as the camera that CameraService takes. */
export function fromHttpSettings(id: string, settings: HttpCameraChanges, etag = ""): Camera {
  const { transport, decode = "default", recording, privacyMasks, maskedVideo, ...rest } = settings;
  return Camera.fromPartial({
    ...rest,
    name: cameraName(id),
    transport: transport && transports[transport],
    decode: decode === "default" ? Decode.UNSPECIFIED : decodes[decode],
    recording: recording && fromHttpRecording(recording),
    privacyMasks: privacyMasks?.map((mask) => ({ polygon: mask.map(([x, y]) => ({ x, y })) })),
    maskedVideo: maskedVideo && maskedVideos[maskedVideo],
    etag,
  });
}

const pathOf: Record<Exclude<keyof HttpCameraChanges, "recording">, UpdatablePath> = {
  uri: "uri",
  recordUri: "record_uri",
  transport: "transport",
  videoTrack: "video_track",
  decode: "decode",
  targetFps: "target_fps",
  model: "model",
  minScore: "min_score",
  classes: "classes",
  labels: "labels",
  weight: "weight",
  floorFps: "floor_fps",
  priority: "priority",
  secondStages: "second_stages",
  privacyMasks: "privacy_masks",
  maskedVideo: "masked_video",
};

const recordingPathOf: Record<keyof HttpCamera["recording"], UpdatablePath> = {
  mode: "recording.mode",
  maxAgeDays: "recording.max_age_days",
  eventsMaxAgeDays: "recording.events_max_age_days",
  audio: "recording.audio",
};

/** What CameraService is told of the faults of a body's form. */
export function formFaults({ faults, faulty }: BodyFields<HttpCameraChanges>): FormFaults {
  const fields = [...faulty].flatMap((name) =>
    name === "recording" ? recordingPaths : (pathOf[name as keyof typeof pathOf] ?? name),
  );
  return { faults, fields: new Set(fields) };
}

/** The update mask of the settings that a change names. */
export function updateMaskOf(changes: HttpCameraChanges): UpdatablePath[] {
  return [...namedPaths(pathOf, changes), ...namedPaths(recordingPathOf, changes.recording ?? {})];
}

function namedPaths<Key extends string>(
  paths: Record<Key, UpdatablePath>,
  given: Partial<Record<Key, unknown>>,
) {
  return (Object.keys(paths) as Key[]).filter((key) => given[key] !== undefined).map((key) => paths[key]);
}

function toHttpRecording({ mode, ...rest } = Recording.create()): HttpCamera["recording"] {
  return { mode: recordingModeName(mode) ?? "default", ...rest };
}

function fromHttpRecording({ mode = "default", ...rest }: Partial<HttpCamera["recording"]>): Recording {
  return Recording.fromPartial({
    ...rest,
    mode: mode === "default" ? RecordingMode.UNSPECIFIED : recordingModes[mode],
  });
}

function toHttpStatus(status: CameraStatus): HttpCameraStatus {
  return {
    state: stateName(status.state),
    reason: enumName(CameraReason, status.reason),
    message: status.message,
    lastFrameTime: toIso(status.lastFrameTime),
    sourceWidth: status.sourceWidth,
    sourceHeight: status.sourceHeight,
    codec: status.codec,
    captureFps: status.captureFps,
    inferenceFps: status.inferenceFps,
    reconnects: status.reconnects,
    decoder: status.decoder,
    decoderNote: status.decoderNote,
    promisedFps: status.promisedFps,
    recording: status.recording ? toHttpRecordingStatus(status.recording) : null,
    ingest: status.ingest,
    epoch: status.epoch,
    ledger: toHttpLedger(status),
  };
}

function toHttpRecordingStatus(recording: RecordingStatus): HttpRecordingStatus {
  const { active, message, soundMessage, bytes, oldestTime } = recording;
  const mode = recordingModeName(recording.mode) ?? "off";
  const stream = recording.stream ? toHttpRecordStream(recording.stream) : null;
  return { mode, active, message, soundMessage, bytes, oldestTime: toIso(oldestTime) ?? null, stream };
}

function toHttpRecordStream(stream: RecordStreamStatus): NonNullable<HttpRecordingStatus["stream"]> {
  const { failedAttempts: _, state, reason, ...rest } = stream;
  return { ...rest, state: stateName(state), reason: enumName(CameraReason, reason) };
}

function stateName(state: CameraState): HttpCameraStatus["state"] {
  switch (state) {
    case CameraState.CONNECTING:
      return "connecting";
    case CameraState.LIVE:
      return "live";
    case CameraState.DOWN:
      return "down";
    default:
      return "pending";
  }
}

function toHttpLedger({ ledger }: CameraStatus): HttpLedger {
  return {
    captured: ledger?.captured ?? 0,
    inferred: ledger?.inferred ?? 0,
    dropped: Object.fromEntries(
      (ledger?.dropped ?? []).map(({ reason, count }) => [dropReasonLabel(reason), count]),
    ),
    inFlight: ledger?.inFlight ?? 0,
  };
}
