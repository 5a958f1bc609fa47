import { type CameraSecret, type RecordStream, recordSecretKey, serverOf } from "@sightline/contracts";
import type { CameraSecrets } from "@sightline/service";
import type { CameraEntries } from "./camera-entries.ts";
import { type CameraUri, parseCameraUri, secretAfter } from "./camera-uri.ts";

/** A change of a camera's record stream. `stream`: null removes it. `secret`: null removes the stored one, undefined keeps it. */
export interface RecordStreamChange {
  stream: RecordStream | null;
  secret: CameraSecret | null | undefined;
}

/** Parses the URL of a record stream; undefined for an empty one, which means no record stream. @throws ApiError invalid_argument */
export function parseRecordUri(text: string): CameraUri | undefined {
  return text === "" ? undefined : parseCameraUri(text, "camera.record_uri");
}

/** The change of the existing stream that a request's URL makes. */
export function recordStreamAfter(
  address: CameraUri | undefined,
  old: RecordStream | undefined,
): RecordStreamChange {
  if (!address) return { stream: null, secret: null };
  const given = secretAfter(address, old?.uri);
  const secret = given && { ...given, server: serverOf(address.uri) };
  const hasCredentials = secret === undefined ? (old?.hasCredentials ?? false) : secret !== null;
  return { stream: { uri: address.uri, hasCredentials }, secret };
}

/** Streams that are recorded in place of the analysed ones, and their secrets. Methods throw when NATS does not answer. */
export class RecordStreams {
  readonly #entries: CameraEntries<RecordStream>;
  readonly #secrets: CameraSecrets;

  constructor(entries: CameraEntries<RecordStream>, secrets: CameraSecrets) {
    this.#entries = entries;
    this.#secrets = secrets;
  }

  find(camera: string): RecordStream | undefined {
    return this.#entries.find(camera);
  }

  /** Calls `listener` with a camera's id whenever its record stream changes. */
  onChange(listener: (camera: string) => void): () => void {
    return this.#entries.onChange(listener);
  }

  /** Writes the secret before the stream that needs it, and removes it after the stream, because ingest acts on the stream. */
  async apply(camera: string, { stream, secret }: RecordStreamChange): Promise<void> {
    const key = recordSecretKey(camera);
    if (secret) await this.#secrets.put(key, secret);
    await this.#entries.apply(camera, stream);
    if (secret === null) await this.#secrets.delete(key);
  }
}
