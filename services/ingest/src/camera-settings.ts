import { isDeepStrictEqual } from "node:util";
import {
  type CameraRecord,
  type CameraSecret,
  plainOfStored,
  plainSettings,
  type RecordStream,
  recordSecretKey,
  type StoredSettings,
  serverOf,
} from "@sightline/contracts";
import { type CameraSecrets, SecretUnreadableError } from "@sightline/service";

/** A stream that is recorded instead of the analysed one. */
export interface RecordSource {
  uri: string;
  transport: CameraRecord["transport"];
  secret: CameraSecret | undefined;
  /** Why the stream's secret could not be read; the stream is not connected without it. */
  secretFault: string | undefined;
  /** Whether its sound is recorded. */
  sound: boolean;
}

/** A camera's settings as ingest uses them. */
export type IngestCamera = StoredSettings & {
  /** When the camera was registered, in milliseconds. */
  registeredAt: number;
  secret: CameraSecret | undefined;
  /** Why the camera's secret could not be read; the camera is not connected without it. */
  secretFault: string | undefined;
  /** Undefined: the analysed stream is recorded. */
  record: RecordSource | undefined;
};

/**
 * Settings from a camera's record, with the secret that is read from its own bucket. The secret is written before the
 * record. `recordStream`: the entry of its own bucket.
 */
export async function readIngestCamera(
  secrets: CameraSecrets,
  camera: string,
  record: CameraRecord,
  recordStream: RecordStream | undefined,
): Promise<IngestCamera> {
  const { hasCredentials, createTime, updateTime: _, ...settings } = record;
  const { transport } = settings;
  return {
    ...settings,
    registeredAt: Date.parse(createTime),
    ...(hasCredentials ? await readSecret(secrets, camera) : noSecret),
    record: recordStream && {
      ...{ uri: recordStream.uri, transport, sound: keepsSound(settings) },
      ...(recordStream.hasCredentials ? await readRecordSecret(secrets, camera, recordStream.uri) : noSecret),
    },
  };
}

/** Whether sound is recorded. A masked camera is re-encoded without sound. */
function keepsSound({ recording, privacy }: Pick<CameraRecord, "recording" | "privacy">): boolean {
  return recording?.audio === true && recording.mode !== "off" && (privacy?.masks ?? []).length === 0;
}

/** Whether the analysed stream is received with its sound. */
export function hearsAnalysed(settings: Pick<IngestCamera, "recording" | "privacy" | "record">): boolean {
  return settings.record === undefined && keepsSound(settings);
}

const noSecret = { secret: undefined, secretFault: undefined };

/**
 * The secret of a camera that has one, by its key in the store.
 * @throws when NATS does not answer
 */
export async function readSecret(
  secrets: CameraSecrets,
  key: string,
): Promise<Pick<IngestCamera, "secret" | "secretFault">> {
  try {
    const secret = await secrets.get(key);
    return { secret, secretFault: secret ? undefined : "it is not stored any more" };
  } catch (error) {
    if (!(error instanceof SecretUnreadableError)) throw error;
    return { secret: undefined, secretFault: error.message };
  }
}

/**
 * The secret of a recorded stream, for this URL.
 * @throws when NATS does not answer
 */
export async function readRecordSecret(
  secrets: CameraSecrets,
  camera: string,
  uri: string,
): Promise<Pick<IngestCamera, "secret" | "secretFault">> {
  const found = await readSecret(secrets, recordSecretKey(camera));
  const { server } = found.secret ?? {};
  if (server === undefined || server === serverOf(uri)) return found;
  return { secret: undefined, secretFault: "it belongs to another server than the one in the URL" };
}

const reconnecting = plainSettings.flatMap(([name, { reconnects }]) => (reconnects ? name : []));

/** Whether the camera must be connected again when its settings change from `a` to `b`. */
export function needsReconnect(a: IngestCamera, b: IngestCamera): boolean {
  const [before, after] = [plainOfStored(a), plainOfStored(b)];
  return (
    a.uri !== b.uri ||
    reconnecting.some((name) => before[name] !== after[name]) ||
    !isDeepStrictEqual(a.privacy, b.privacy) ||
    hearsAnalysed(a) !== hearsAnalysed(b) ||
    a.secret?.username !== b.secret?.username ||
    a.secret?.password !== b.secret?.password
  );
}
