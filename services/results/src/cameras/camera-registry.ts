import type { KV } from "@nats-io/kv";
import {
  type CameraRecord,
  type CameraSecret,
  type CameraShare,
  encodeJson,
  type RecordStream,
} from "@sightline/contracts";
import { type CameraSecrets, isJetStreamFailure, type KvMirror } from "@sightline/service";
import { ApiError, noCamera } from "../errors.ts";
import type { CameraEntries } from "./camera-entries.ts";
import type { RecordStreamChange, RecordStreams } from "./record-streams.ts";

/** A camera as registered; `revision` changes with every write. */
export interface StoredCamera {
  id: string;
  record: CameraRecord;
  /** Undefined: the analysed stream is recorded. */
  recordStream: RecordStream | undefined;
  /** Undefined: it shares the workers like every other camera. */
  share: CameraShare | undefined;
  revision: number;
}

/** A change of a camera. */
export interface CameraWrite {
  record: CameraRecord;
  /** Null removes the stored secret, undefined keeps it. */
  secret: CameraSecret | null | undefined;
  /** Undefined keeps the stored one. */
  recordStream: RecordStreamChange | undefined;
  /** Null removes the stored share, undefined keeps it. */
  share: CameraShare | null | undefined;
}

/**
 * The cameras and their secrets in NATS. A secret is written before the record that needs it, because ingest acts on the record. Writes of
 * one camera are queued here; between several results services, the record's revision decides.
 */
export class CameraRegistry {
  readonly #cameras: KV;
  readonly #secrets: CameraSecrets;
  readonly #mirror: KvMirror<CameraRecord>;
  readonly #recordStreams: RecordStreams;
  readonly #shares: CameraEntries<CameraShare>;
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(
    cameras: KV,
    secrets: CameraSecrets,
    mirror: KvMirror<CameraRecord>,
    recordStreams: RecordStreams,
    shares: CameraEntries<CameraShare>,
  ) {
    this.#cameras = cameras;
    this.#secrets = secrets;
    this.#mirror = mirror;
    this.#recordStreams = recordStreams;
    this.#shares = shares;
  }

  /** A camera by id. */
  find(id: string): StoredCamera | undefined {
    const record = this.#mirror.get(id);
    const revision = this.#mirror.revision(id);
    return record && revision !== undefined ? this.#stored(id, record, revision) : undefined;
  }

  /** A camera by id. @throws ApiError camera_not_found */
  require(id: string): StoredCamera {
    const stored = this.find(id);
    if (!stored) throw noCamera(id, this.ids());
    return stored;
  }

  /** Resolves when everything that other processes have stored about cameras and their shares is known here. @throws ApiError registry_unavailable */
  async caughtUp(): Promise<void> {
    await attempt(
      () => Promise.all([this.#mirror.caughtUp(), this.#shares.caughtUp()]),
      () => new ApiError("registry_unavailable", "the camera registry does not answer (NATS); try again"),
    );
  }

  /** Ids of all cameras, sorted. */
  ids(): string[] {
    return this.#mirror.keys().sort();
  }

  /** Stores a new camera. @throws ApiError camera_exists, registry_unavailable */
  async create(
    id: string,
    { record, secret, recordStream, share }: CameraWrite & { recordStream: RecordStreamChange },
  ): Promise<StoredCamera> {
    return this.#oneAtATime(id, async () => {
      const exists = () => new ApiError("camera_exists", `camera '${id}' is already registered`);
      if (this.find(id)) throw exists();
      return attempt(async () => {
        await this.#writeSecret(id, secret ?? null);
        const revision = await this.#cameras.create(id, encodeJson(record));
        this.#mirror.applyPut(id, revision, record);
        await this.#recordStreams.apply(id, recordStream);
        // An earlier camera with this name may have left one.
        await this.#shares.apply(id, share ?? null);
        return this.#stored(id, record, revision);
      }, exists);
    });
  }

  /**
   * Replaces a camera with the result of `change`.
   * @throws ApiError camera_not_found, etag_mismatch when it has changed meanwhile, registry_unavailable
   */
  async update(id: string, change: (stored: StoredCamera) => CameraWrite): Promise<StoredCamera> {
    return this.#oneAtATime(id, async () => {
      const stored = this.require(id);
      const { record, secret, recordStream, share } = change(stored);
      return attempt(
        async () => {
          if (secret) await this.#writeSecret(id, secret);
          const revision = await this.#cameras.update(id, encodeJson(record), stored.revision);
          if (secret === null) await this.#writeSecret(id, null);
          this.#mirror.applyPut(id, revision, record);
          // Only now: if another client has changed the camera meanwhile, nothing of this change may be stored.
          if (recordStream) await this.#recordStreams.apply(id, recordStream);
          if (share !== undefined) await this.#shares.apply(id, share);
          return this.#stored(id, record, revision);
        },
        () => new ApiError("etag_mismatch", `camera '${id}' was changed meanwhile; get it and try again`),
      );
    });
  }

  /** Removes a camera, its share, its record stream and the secrets of both. @throws ApiError camera_not_found, registry_unavailable */
  async delete(id: string): Promise<void> {
    await this.#oneAtATime(id, async () => {
      const { revision } = this.require(id);
      await attempt(
        async () => {
          // The secret first: if the rest fails, the camera still exists and can be deleted again.
          await this.#secrets.delete(id);
          await this.#recordStreams.apply(id, { stream: null, secret: null });
          await this.#shares.apply(id, null);
          await this.#cameras.delete(id);
          this.#mirror.applyDelete(id, revision);
        },
        () => new ApiError("etag_mismatch", `camera '${id}' was changed meanwhile; try again`),
      );
    });
  }

  #stored(id: string, record: CameraRecord, revision: number): StoredCamera {
    const [recordStream, share] = [this.#recordStreams.find(id), this.#shares.find(id)];
    return { id, record, recordStream, share, revision };
  }

  async #writeSecret(id: string, secret: CameraSecret | null): Promise<void> {
    if (secret) await this.#secrets.put(id, secret);
    else await this.#secrets.delete(id);
  }

  async #oneAtATime<R>(id: string, task: () => Promise<R>): Promise<R> {
    const before = this.#queues.get(id);
    const mine = (before ?? Promise.resolve()).catch(() => undefined).then(task);
    this.#queues.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#queues.get(id) === mine) this.#queues.delete(id);
    }
  }
}

/** Runs NATS operations; a lost race throws `conflict`, any other error registry_unavailable. */
async function attempt<R>(task: () => Promise<R>, conflict: () => ApiError): Promise<R> {
  try {
    return await task();
  } catch (cause) {
    if (isJetStreamFailure(cause, "wrongLastSequence")) throw conflict();
    throw new ApiError("registry_unavailable", "the camera registry does not answer (NATS); try again", {
      cause,
    });
  }
}
