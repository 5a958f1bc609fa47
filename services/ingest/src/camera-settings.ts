import { isDeepStrictEqual } from "node:util";
import type { CameraRecord, CameraSecret } from "@sightline/contracts";
import { type CameraSecrets, SecretUnreadableError } from "@sightline/service";

/** What ingest does with a camera; score and classes are the workers' business. */
export type CameraSettings = Pick<
  CameraRecord,
  "uri" | "transport" | "videoTrack" | "decode" | "recording" | "privacy" | "targetFps" | "model"
> & {
  /** When the camera was registered, in milliseconds. */
  registeredAt: number;
  secret: CameraSecret | undefined;
  /** Why the secret that there should be is not; the camera is not connected without it. */
  secretFault: string | undefined;
};

/** Settings of a record, with its secret read from the bucket apart. The secret is written before the record. */
export async function readSettings(
  secrets: CameraSecrets,
  camera: string,
  record: CameraRecord,
): Promise<CameraSettings> {
  const {
    uri,
    transport,
    videoTrack = 0,
    decode,
    recording,
    privacy,
    targetFps,
    model,
    hasCredentials,
    createTime,
  } = record;
  const registeredAt = Date.parse(createTime);
  const settings = { uri, transport, videoTrack, decode, recording, privacy, targetFps, model, registeredAt };
  if (!hasCredentials) return { ...settings, secret: undefined, secretFault: undefined };
  return { ...settings, ...(await readSecret(secrets, camera)) };
}

/** The secret of a camera that has one. @throws when NATS does not answer */
export async function readSecret(
  secrets: CameraSecrets,
  camera: string,
): Promise<Pick<CameraSettings, "secret" | "secretFault">> {
  try {
    const secret = await secrets.get(camera);
    return { secret, secretFault: secret ? undefined : "it is not stored any more" };
  } catch (error) {
    if (!(error instanceof SecretUnreadableError)) throw error;
    return { secret: undefined, secretFault: error.message };
  }
}

/** Whether the camera must be received anew when its settings change from `a` to `b`. */
export function needsReconnect(a: CameraSettings, b: CameraSettings): boolean {
  return (
    a.uri !== b.uri ||
    a.transport !== b.transport ||
    a.videoTrack !== b.videoTrack ||
    a.decode !== b.decode ||
    !isDeepStrictEqual(a.privacy, b.privacy) ||
    a.targetFps !== b.targetFps ||
    a.secret?.username !== b.secret?.username ||
    a.secret?.password !== b.secret?.password
  );
}
