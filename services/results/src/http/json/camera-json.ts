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
  shorten,
  Transport,
  toIso,
} from "@sightline/contracts";
import { transports } from "../../cameras/camera-message.ts";
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

type HttpLedger = HttpCameraStatus["ledger"];

/** A camera as JSON shows it, but for what is made of its last seconds. */
export function toHttpCamera(camera: Camera): Omit<HttpCamera, "figures" | "findings"> {
  return {
    id: cameraIdOf(camera.name) ?? "",
    uri: camera.uri,
    transport: transportNames[camera.transport] ?? "auto",
    videoTrack: camera.videoTrack,
    decode: decodeNames[camera.decode] ?? "default",
    targetFps: camera.targetFps,
    model: camera.model,
    // A 32-bit float: 0.4 is stored as 0.4000000059604645.
    minScore: shorten(camera.minScore),
    classes: camera.classes,
    hasCredentials: camera.hasCredentials,
    createTime: toIso(camera.createTime) ?? "",
    updateTime: toIso(camera.updateTime) ?? "",
    etag: camera.etag,
    status: toHttpStatus(camera.status ?? CameraStatus.create()),
  };
}

/** Settings as JSON has them, as the camera that CameraService takes. */
export function fromHttpSettings(id: string, settings: HttpCameraChanges, etag = ""): Camera {
  const { transport, decode = "default", ...rest } = settings;
  return Camera.fromPartial({
    ...rest,
    name: cameraName(id),
    transport: transport && transports[transport],
    decode: decode === "default" ? Decode.UNSPECIFIED : decodes[decode],
    etag,
  });
}

const pathOf: Record<keyof HttpCameraChanges, UpdatablePath> = {
  uri: "uri",
  transport: "transport",
  videoTrack: "video_track",
  decode: "decode",
  targetFps: "target_fps",
  model: "model",
  minScore: "min_score",
  classes: "classes",
};

/** What CameraService is told of the faults of a body's form. */
export function formFaults({ faults, faulty }: BodyFields<HttpCameraChanges>): FormFaults {
  const fields = [...faulty].map((name) => pathOf[name as keyof HttpCameraChanges] ?? name);
  return { faults, fields: new Set(fields) };
}

/** The update mask of the settings that a change names. */
export function updateMaskOf(changes: HttpCameraChanges): UpdatablePath[] {
  return (Object.keys(pathOf) as (keyof HttpCameraChanges)[])
    .filter((key) => changes[key] !== undefined)
    .map((key) => pathOf[key]);
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
    ingest: status.ingest,
    epoch: status.epoch,
    ledger: toHttpLedger(status),
  };
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
