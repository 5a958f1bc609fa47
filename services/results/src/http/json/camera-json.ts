import {
  type Camera,
  CameraReason,
  CameraState,
  CameraStatus,
  cameraIdOf,
  cameraSettingsJson,
  cameraStatusJson,
  enumName,
  type HttpCamera,
  type HttpCameraChanges,
  type HttpCameraStatus,
  ledgerJson,
  pathOfSetting,
  RecordingMode,
  recordingStatusJson,
  toIso,
} from "@sightline/contracts";
import { recordingMaskPaths } from "../../cameras/camera-recording.ts";
import type { FormFaults } from "../../cameras/camera-settings.ts";
import type { BodyFields } from "../json-body.ts";

/** A camera in JSON, without what is calculated from its last seconds. */
export function toHttpCamera(camera: Camera): Omit<HttpCamera, "figures" | "findings"> {
  return {
    id: cameraIdOf(camera.name) ?? "",
    ...cameraSettingsJson(camera),
    createTime: toIso(camera.createTime) ?? "",
    updateTime: toIso(camera.updateTime) ?? "",
    etag: camera.etag,
    status: toHttpStatus(camera.status ?? CameraStatus.create()),
  };
}

/** The faults of a body's form, for CameraService. */
export function formFaults({ faults, faulty }: BodyFields<HttpCameraChanges>): FormFaults {
  const fields = [...faulty].flatMap((name) =>
    name === "recording" ? recordingMaskPaths : pathOfSetting(name),
  );
  return { faults, fields: new Set(fields) };
}

function toHttpStatus(status: CameraStatus): HttpCameraStatus {
  return cameraStatusJson(status, {
    state: names.state(status.state),
    reason: names.reason(status.reason),
    recording: status.recording ? recordingStatusJson(status.recording, names) : null,
    ledger: ledgerJson(status.ledger),
  });
}

const names = {
  mode: (mode: RecordingMode) => enumName(RecordingMode, mode) || "off",
  state: stateName,
  reason: (reason: CameraReason) => enumName(CameraReason, reason),
};

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
