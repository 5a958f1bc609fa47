import {
  Camera,
  CameraState,
  type CameraStatus,
  cameraName,
  Transport,
  toTimestamp,
} from "@sightline/contracts";
import { privacyOf } from "./camera-privacy.ts";
import { recordingOf } from "./camera-recording.ts";
import type { StoredCamera } from "./camera-registry.ts";
import { secondStagesOf } from "./camera-second-stages.ts";
import { decodeOf } from "./camera-settings.ts";
import { shareOf } from "./camera-shares.ts";

/** How the API calls a stored transport. */
export const transports = { auto: Transport.AUTO, tcp: Transport.TCP, udp: Transport.UDP } as const;

/** What the API shows of a camera; there is nothing secret in a StoredCamera. */
export function toCameraMessage(stored: StoredCamera, status: CameraStatus | undefined): Camera {
  const { record, recordStream } = stored;
  return Camera.fromPartial({
    name: cameraName(stored.id),
    uri: record.uri,
    recordUri: recordStream?.uri ?? "",
    transport: transports[record.transport],
    videoTrack: record.videoTrack ?? 0,
    decode: decodeOf(record),
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
