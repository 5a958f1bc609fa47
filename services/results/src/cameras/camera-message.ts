import {
  Camera,
  CameraState,
  type CameraStatus,
  cameraName,
  cameraOfSettings,
  plainOfStored,
  toTimestamp,
} from "@sightline/contracts";
import { privacyOf } from "./camera-privacy.ts";
import { recordingOf } from "./camera-recording.ts";
import type { StoredCamera } from "./camera-registry.ts";

/** A camera as the API shows it; a StoredCamera contains no secrets. */
export function toCameraMessage(stored: StoredCamera, status: CameraStatus | undefined): Camera {
  const { record, recordStream } = stored;
  const { model, classes, labels, secondStages } = record;
  return Camera.fromPartial({
    ...cameraOfSettings({ ...plainOfStored(record, stored.share), model, classes, labels, secondStages }),
    name: cameraName(stored.id),
    uri: record.uri,
    recordUri: recordStream?.uri ?? "",
    recording: recordingOf(record),
    ...privacyOf(record),
    hasCredentials: record.hasCredentials,
    hasRecordCredentials: recordStream?.hasCredentials ?? false,
    createTime: toTimestamp(Date.parse(record.createTime)),
    updateTime: toTimestamp(Date.parse(record.updateTime)),
    etag: etagOf(stored),
    status: status ?? { state: CameraState.PENDING, message: "no ingest has taken the camera yet" },
  });
}

export function etagOf(stored: StoredCamera): string {
  return String(stored.revision);
}
