import type { StreamInfo } from "@nats-io/jetstream";
import { type ObjectStore, Objm } from "@nats-io/obj";
import {
  decodeJson,
  type FrameReference,
  pictureSources,
  type Retention,
  snapshotStore,
  toTimestamp,
} from "@sightline/contracts";
import { z } from "zod";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import type { Nats } from "./nats.ts";
import { fitting } from "./provision.ts";

const stream = `OBJ_${snapshotStore}`;
const metaSubjects = `$O.${snapshotStore}.M.>`;
const nanosecondsPerSecond = 1_000_000_000;
/** An object is one message, so that it is read by one request. */
const mostBytes = 1024 * 1024;
/** What an object takes beside its content, at least. */
const overheadBytes = 512;
/** Above the one share of the bytes allowed, the oldest are removed until the other is reached. */
const [fullShare, sweptShare] = [0.95, 0.85];
/** Objects looked at in one sweep. */
const sweepObjects = 512;

const share = z.number().min(0).max(1);

/** What is kept with a snapshot's JPEG. */
export const snapshotDetailsSchema = z.object({
  epoch: z.string().max(32),
  number: z.int().positive(),
  captureTimeMs: z.number(),
  ptsUs: z.number(),
  /** Of the picture, in pixels. */
  width: z.int().positive(),
  height: z.int().positive(),
  /** Not in what older versions stored. */
  source: z.enum(pictureSources).optional(),
  /** The object's; 0 of an event about no object. Not in what older versions stored. */
  score: z.number().optional(),
  /** What an annotated picture shows. */
  boxes: z
    .array(
      z.object({
        classId: z.int().min(0),
        label: z.string().max(256),
        box: z.object({ xMin: share, yMin: share, xMax: share, yMax: share }),
      }),
    )
    .max(1000),
});
export type SnapshotDetails = z.infer<typeof snapshotDetailsSchema>;

/** A snapshot as it is kept. */
export interface StoredSnapshot {
  details: SnapshotDetails;
  jpeg: Uint8Array;
}

/** A snapshot that is too large to be kept. */
export class SnapshotTooLargeError extends Error {
  override readonly name = "SnapshotTooLargeError";
}

/** Pictures of events in NATS's object store, bounded by age and bytes: the oldest make room for the newest. */
export class SnapshotStore {
  readonly #nats: Nats;
  /** Undefined in a process that does not provide the store. */
  readonly #retention: Retention | undefined;
  #objects: ObjectStore;

  private constructor(nats: Nats, retention: Retention | undefined, objects: ObjectStore) {
    this.#nats = nats;
    this.#retention = retention;
    this.#objects = objects;
  }

  /** Opens the store, creating it if it is missing, with this retention. */
  static async open(nats: Nats, retention: Retention): Promise<SnapshotStore> {
    return new SnapshotStore(nats, retention, await provision(nats, retention));
  }

  /** The store that another process provides. While it is not there, or not any more, nothing can be kept or read. */
  static async existing(nats: Nats): Promise<SnapshotStore> {
    return new SnapshotStore(nats, undefined, await new Objm(nats.jetstream).open(snapshotStore, false));
  }

  /** Keeps the picture of an event in place of the one it had. @throws SnapshotTooLargeError, or when NATS does not answer */
  async put(event: string, jpeg: Uint8Array, details: SnapshotDetails): Promise<void> {
    if (jpeg.byteLength > mostBytes)
      throw new SnapshotTooLargeError(
        `a picture of ${jpeg.byteLength} bytes is larger than the limit of ${mostBytes}`,
      );
    const metadata = { snapshot: JSON.stringify(details) };
    const store = () =>
      this.#objects.putBlob({ name: event, metadata, options: { max_chunk_size: mostBytes } }, jpeg);
    try {
      await store();
    } catch (error) {
      if (!isJetStreamFailure(error, "maximumBytesExceeded")) throw error;
      await this.sweep(true);
      await store();
    }
  }

  /** What is kept with an event's picture; undefined when there is none. */
  async details(event: string): Promise<SnapshotDetails | undefined> {
    return (await this.#info(event))?.details;
  }

  /** An event's picture; undefined when it has none, or it is not kept any more. */
  async get(event: string): Promise<StoredSnapshot | undefined> {
    // Replaced between the two requests: the second time it is the new one.
    for (let attempt = 0; attempt < 3; attempt++) {
      const info = await this.#info(event);
      if (!info) return undefined;
      const content = await this.#nats.manager.streams.getMessage(stream, {
        last_by_subj: `$O.${snapshotStore}.C.${info.id}`,
      });
      if (content) return { details: info.details, jpeg: content.data };
    }
    return undefined;
  }

  /** Deletes an event's picture, if it has one. */
  async delete(event: string): Promise<void> {
    await this.#objects.delete(event);
  }

  /** Deletes the pictures of a camera's events that were taken in a range, in milliseconds since 1970; returns how many. */
  async deleteOf(camera: string, { start, end }: { start: number; end: number }): Promise<number> {
    const isMeant = ({ name, metadata }: { name: string; metadata?: Record<string, string> }) => {
      if (!name.startsWith(`${camera}/`)) return false;
      const details = snapshotDetailsSchema.safeParse(JSON.parse(metadata?.snapshot ?? "null"));
      const at = details.data?.captureTimeMs;
      return at === undefined || (at >= start && at < end);
    };
    const meant = (await this.#objects.list()).filter(isMeant);
    for (const { name } of meant) await this.#objects.delete(name);
    return meant.length;
  }

  /** Bytes that the store takes. */
  async bytes(): Promise<number> {
    return (await this.#nats.manager.streams.info(stream)).state.bytes;
  }

  /**
   * Removes the oldest if the store is nearly full, or in any case when it `mustMakeRoom`; who provides it makes it anew if it is
   * not there any more. Returns how many bytes are there after.
   */
  async sweep(mustMakeRoom = false): Promise<number> {
    const found = await this.#find();
    if (!found) {
      // NATS has lost its data.
      if (this.#retention) this.#objects = await provision(this.#nats, this.#retention);
      return 0;
    }
    const { state, config } = found;
    const { bytes, first_seq: first } = state;
    const most = config.max_bytes > 0 ? config.max_bytes : Infinity;
    if (!mustMakeRoom && bytes <= fullShare * most) return bytes;
    const last = await this.#oldestUpTo(bytes - sweptShare * most, first);
    if (last === undefined) return bytes;
    // The messages before an object's last are its content and that of older ones, whole or left over.
    await this.#nats.manager.streams.purge(stream, { seq: last + 1 });
    return this.bytes();
  }

  /** Undefined when the store is not there. */
  async #find(): Promise<StreamInfo | undefined> {
    try {
      return await this.#nats.manager.streams.info(stream);
    } catch (error) {
      if (isJetStreamFailure(error, "streamNotFound")) return undefined;
      throw error;
    }
  }

  /** Sequence of the last message of as many of the oldest objects as hold so many bytes; at least one, if there is one. */
  async #oldestUpTo(wantedBytes: number, first: number): Promise<number | undefined> {
    let last: number | undefined;
    let bytes = 0;
    for (let count = 0; count < sweepObjects && (count === 0 || bytes < wantedBytes); count++) {
      const message = await this.#nats.manager.direct.getMessage(stream, {
        seq: (last ?? first - 1) + 1,
        next_by_subj: metaSubjects,
      });
      if (!message) break;
      last = message.seq;
      const { size = 0 } = message.json<{ size?: number }>();
      bytes += size + message.data.byteLength + overheadBytes;
    }
    return last;
  }

  async #info(event: string): Promise<{ id: string; details: SnapshotDetails } | undefined> {
    const info = await this.#objects.info(event);
    if (!info || info.deleted) return undefined;
    const details = decodeJson(snapshotDetailsSchema, Buffer.from(info.metadata?.snapshot ?? ""));
    return { id: info.nuid, details };
  }
}

async function provision(nats: Nats, { maxAgeSeconds, maxBytes, replicas }: Retention): Promise<ObjectStore> {
  const objects = await new Objm(nats.jetstream).create(snapshotStore, { replicas });
  // Age is the server's business, and bytes too if all else fails: an object store then refuses what is new.
  await fitting(stream, maxBytes, () =>
    nats.manager.streams.update(stream, {
      max_age: maxAgeSeconds * nanosecondsPerSecond,
      max_bytes: maxBytes,
      duplicate_window: Math.min(120, maxAgeSeconds) * nanosecondsPerSecond,
      num_replicas: replicas,
    }),
  );
  return objects;
}

/** The frame that a picture shows. */
export function referenceTo(picture: {
  epoch: string;
  number: number;
  captureTimeMs: number;
  ptsUs: number;
}): FrameReference {
  const { epoch, number, captureTimeMs, ptsUs } = picture;
  return { epoch, number, captureTime: toTimestamp(captureTimeMs), ptsUs };
}
