import {
  Camera,
  CameraState,
  type CameraStatus,
  cameraName,
  Decode,
  enumValue,
  Transport,
  toTimestamp,
} from "@sightline/contracts";
import { privacyOf } from "./camera-privacy.ts";
import { recordingOf } from "./camera-recording.ts";
import type { StoredCamera } from "./camera-registry.ts";
import { secondStagesOf } from "./camera-second-stages.ts";
import { shareOf } from "./camera-shares.ts";

/** What the API shows of a camera; there is nothing secret in a StoredCamera. */
export function toCameraMessage(stored: StoredCamera, status: CameraStatus | undefined): Camera {
  const { record, recordStream } = stored;
  return Camera.fromPartial({
    name: cameraName(stored.id),
    uri: record.uri,
    recordUri: recordStream?.uri ?? "",
    transport: enumValue(Transport, record.transport),
    videoTrack: record.videoTrack ?? 0,
    decode: record.decode && enumValue(Decode, record.decode),
    recording: recordingOf(record),
    ...privacyOf(record),
    targetFps: record.targetFps,
    model: record.model,
    minScore: record.minScore,
    classes: record.classes,
    labels: record.labels ?? {},
    ...shareOf(stored.share),
    secondStages: secondStagesOf(record),
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
