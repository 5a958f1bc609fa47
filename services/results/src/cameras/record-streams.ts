import type { KV } from "@nats-io/kv";
import {
  type CameraSecret,
  encodeJson,
  type RecordStream,
  recordSecretKey,
  serverOf,
} from "@sightline/contracts";
import type { CameraSecrets, KvMirror } from "@sightline/service";
import { type CameraUri, parseCameraUri, secretAfter } from "./camera-uri.ts";

/** What a camera's record stream becomes. `stream`: null removes it. `secret`: null removes the stored one, undefined leaves it. */
export interface RecordStreamChange {
  stream: RecordStream | null;
  secret: CameraSecret | null | undefined;
}

/** Takes the URL of a record stream apart; undefined when it is empty: there is to be none. @throws ApiError invalid_argument */
export function parseRecordUri(text: string): CameraUri | undefined {
  return text === "" ? undefined : parseCameraUri(text, "camera.record_uri");
}

/** What the URL of a request makes of the stream that there was. */
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

/** Cameras' streams that are recorded in place of the analysed one, in a bucket of their own, and their secrets. Methods throw when NATS does not answer. */
export class RecordStreams {
  readonly #kv: KV;
  readonly #mirror: KvMirror<RecordStream>;
  readonly #secrets: CameraSecrets;

  constructor(kv: KV, mirror: KvMirror<RecordStream>, secrets: CameraSecrets) {
    this.#kv = kv;
    this.#mirror = mirror;
    this.#secrets = secrets;
  }

  find(camera: string): RecordStream | undefined {
    return this.#mirror.get(camera);
  }

  /** Calls `listener` with a camera's id whenever its stream changes. */
  onChange(listener: (camera: string) => void): () => void {
    return this.#mirror.onChange(({ key }) => listener(key));
  }

  /** Writes the secret before the stream that needs it, and takes it away after that: ingest acts on the stream. */
  async apply(camera: string, { stream, secret }: RecordStreamChange): Promise<void> {
    const key = recordSecretKey(camera);
    if (secret) await this.#secrets.put(key, secret);
    if (stream) this.#mirror.applyPut(camera, await this.#kv.put(camera, encodeJson(stream)), stream);
    else await this.#remove(camera);
    if (secret === null) await this.#secrets.delete(key);
  }

  async #remove(camera: string): Promise<void> {
    // Asked of the bucket itself: what another process has just written may not be in memory yet.
    const entry = await this.#kv.get(camera);
    if (entry?.operation !== "PUT") return;
    await this.#kv.delete(camera);
    this.#mirror.applyDelete(camera, entry.revision);
  }
}
