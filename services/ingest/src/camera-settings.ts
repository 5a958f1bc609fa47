import type { KV } from "@nats-io/kv";
import { type CameraRecord, type CameraSecret, cameraSecretSchema, decodeJson } from "@sightline/contracts";

/** What ingest does with a camera; score and classes are the workers' business. */
export type CameraSettings = Pick<
  CameraRecord,
  "uri" | "transport" | "videoTrack" | "decode" | "recording" | "targetFps" | "model"
> & {
  secret: CameraSecret | undefined;
};

/** Settings of a record, with its secret read from the bucket apart. The secret is written before the record. */
export async function readSettings(
  secrets: KV,
  camera: string,
  record: CameraRecord,
): Promise<CameraSettings> {
  const { uri, transport, videoTrack = 0, decode, recording, targetFps, model, hasCredentials } = record;
  const entry = hasCredentials ? await secrets.get(camera) : null;
  const secret = entry?.operation === "PUT" ? decodeJson(cameraSecretSchema, entry.value) : undefined;
  return { uri, transport, videoTrack, decode, recording, targetFps, model, secret };
}

/** Whether the camera must be received anew when its settings change from `a` to `b`. */
export function needsReconnect(a: CameraSettings, b: CameraSettings): boolean {
  return (
    a.uri !== b.uri ||
    a.transport !== b.transport ||
    a.videoTrack !== b.videoTrack ||
    a.decode !== b.decode ||
    a.targetFps !== b.targetFps ||
    a.secret?.username !== b.secret?.username ||
    a.secret?.password !== b.secret?.password
  );
}
