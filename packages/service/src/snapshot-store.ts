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
import { ServiceError } from "./errors.ts";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import type { Nats } from "./nats.ts";
import { fitting } from "./provision.ts";

const stream = `OBJ_${snapshotStore}`;
const metaSubjects = `$O.${snapshotStore}.M.>`;
const nanosecondsPerSecond = 1_000_000_000;
/** An object is one message, so one request reads it. */
const mostBytes = 1024 * 1024;
/** What an object takes besides its content, at least. */
const overheadBytes = 512;
/** Above the first share of the allowed bytes, the oldest objects are removed until the second share is reached. */
const [fullShare, sweptShare] = [0.95, 0.85];
/** Objects checked in one sweep. */
const sweepObjects = 512;

const share = z.number().min(0).max(1);

/** What is stored with a snapshot's JPEG. */
export const snapshotDetailsSchema = z.object({
  epoch: z.string().max(32),
  number: z.int().positive(),
  captureTimeMs: z.number(),
  ptsUs: z.number(),
  /** Of the picture, in pixels. */
  width: z.int().positive(),
  height: z.int().positive(),
  /** Older versions did not store it. */
  source: z.enum(pictureSources).optional(),
  /** The object's score; 0 for an event without an object. Older versions did not store it. */
  score: z.number().optional(),
  /** What the annotated picture shows. */
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

/** A stored snapshot. */
export interface StoredSnapshot {
  details: SnapshotDetails;
  jpeg: Uint8Array;
}

/** Pictures of events in NATS's object store, limited by age and bytes: the oldest are removed for the newest. */
export class SnapshotStore {
  readonly #nats: Nats;
  /** Undefined in a process that does not create the store. */
  readonly #retention: Retention | undefined;
  #objects: ObjectStore;

  private constructor(nats: Nats, retention: Retention | undefined, objects: ObjectStore) {
    this.#nats = nats;
    this.#retention = retention;
    this.#objects = objects;
  }

  /** Opens the store with this retention, and creates it if it is missing. */
  static async open(nats: Nats, retention: Retention): Promise<SnapshotStore> {
    return new SnapshotStore(nats, retention, await provision(nats, retention));
  }

  /** The store that another process creates. While it does not exist, nothing can be stored or read. */
  static async existing(nats: Nats): Promise<SnapshotStore> {
    return new SnapshotStore(nats, undefined, await new Objm(nats.jetstream).open(snapshotStore, false));
  }

  /** Stores an event's picture and replaces its previous one. @throws ServiceError picture_too_large, or when NATS does not answer */
  async put(event: string, jpeg: Uint8Array, details: SnapshotDetails): Promise<void> {
    if (jpeg.byteLength > mostBytes)
      throw new ServiceError(
        "picture_too_large",
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

  /** What is stored with an event's picture; undefined when there is none. */
  async details(event: string): Promise<SnapshotDetails | undefined> {
    return (await this.#info(event))?.details;
  }

  /** An event's picture; undefined when it has none, or the picture was removed. */
  async get(event: string): Promise<StoredSnapshot | undefined> {
    // If it was replaced between the two requests, the second attempt gets the new one.
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

  /** Deletes the pictures of a camera's events that were taken in a time range, in milliseconds since 1970; returns how many. */
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

  /** Bytes that the store uses. */
  async bytes(): Promise<number> {
    return (await this.#nats.manager.streams.info(stream)).state.bytes;
  }

  /**
   * Removes the oldest pictures if the store is nearly full, or in any case with `mustMakeRoom`. The process that owns the store also
   * creates it again if it does not exist any more. Returns the bytes used after that.
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
    // The messages before an object's last message are its content and that of older objects, complete or left over.
    await this.#nats.manager.streams.purge(stream, { seq: last + 1 });
    return this.bytes();
  }

  /** Undefined when the store does not exist. */
  async #find(): Promise<StreamInfo | undefined> {
    try {
      return await this.#nats.manager.streams.info(stream);
    } catch (error) {
      if (isJetStreamFailure(error, "streamNotFound")) return undefined;
      throw error;
    }
  }

  /** Sequence of the last message of the oldest objects that together have this many bytes; at least one object, if there is one. */
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
  // The server limits the age, and as a last resort the bytes too: an object store then refuses new objects.
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
