import {
  type AnalysisPlace,
  analysisPlaceSchema,
  decodeJson,
  FrameDetections,
  fromTimestamp,
  streams,
  subjects,
  TimelineEntry,
  type Timestamp,
  WireError,
} from "@sightline/contracts";
import type { Buckets, Nats } from "@sightline/service";
import { ApiError } from "../errors.ts";
import { StoredMessages } from "../feeds/stored-messages.ts";
import { clockSlackMs, maxStoreDelayMs, type TimeRange } from "../history/history-page.ts";

const readAtATime = 256;
const deletedAtATime = 32;
/**
 * The analyses of other cameras must have passed a message before it is deleted, or it looks to them as if their own were lost; they store
 * their position every 5 s.
 */
const rawAgeMs = 15_000;

/** The newest messages that may be deleted, by sequence. */
interface Bounds {
  timeline: number;
  detections: number;
}

/** Stored detections of cameras: in the timeline, and as the workers published them. */
export class KeptDetections {
  readonly #nats: Nats;
  readonly #buckets: Pick<Buckets, "cameras" | "analysisState">;
  readonly #timeline: StoredMessages;
  readonly #raw: StoredMessages;

  constructor(nats: Nats, buckets: Pick<Buckets, "cameras" | "analysisState">, timeline: StoredMessages) {
    this.#nats = nats;
    this.#buckets = buckets;
    this.#timeline = timeline;
    this.#raw = new StoredMessages(nats, streams.detections);
  }

  /**
   * Deletes a camera's frames in a time range; returns how many were deleted from the timeline. What the analysis needs to continue stays:
   * frames since its last checkpoint (some seconds), and the newest frame.
   * @throws ApiError history_unavailable when there is no checkpoint yet; others when NATS does not answer
   */
  async delete(camera: string, range: TimeRange): Promise<number> {
    const bounds = await this.#bounds(camera);
    const raw = subjects.detections(camera);
    await this.#deleteOf(this.#raw, raw, bounds.detections, range, rawTime);
    return this.#deleteOf(this.#timeline, subjects.timeline(camera), bounds.timeline, range, entryTime);
  }

  async #bounds(camera: string): Promise<Bounds> {
    const record = await this.#buckets.cameras.get(camera);
    // Nobody continues from the data of a camera that was removed.
    if (record?.operation !== "PUT") return { timeline: Infinity, detections: Infinity };
    const stored = await this.#buckets.analysisState.get(camera);
    const place = stored?.operation === "PUT" ? placeIn(stored.value) : undefined;
    if (!place)
      throw new ApiError(
        "history_unavailable",
        "the analysis of the camera has only begun, and its detections cannot be deleted yet; try again in some seconds",
      );
    const subject = subjects.timeline(camera);
    const last = await this.#nats.manager.streams.getMessage(streams.timeline, { last_by_subj: subject });
    const { sequence: old } = await this.#raw.before(Date.now() - rawAgeMs);
    return {
      timeline: Math.min(place.timelineSequence, (last?.seq ?? 1) - 1),
      detections: Math.min(place.detectionsSequence, old),
    };
  }

  async #deleteOf(
    stored: StoredMessages,
    subject: string,
    bound: number,
    range: TimeRange,
    timeOf: (data: Uint8Array) => number | undefined,
  ): Promise<number> {
    const { start, end } = range;
    if (start === -Infinity && end === Infinity) {
      const upTo = bound === Infinity ? {} : { seq: bound + 1 };
      const { purged } = await this.#nats.manager.streams.purge(stored.stream, { filter: subject, ...upTo });
      return purged;
    }
    const from = start === -Infinity ? 0 : (await stored.before(Math.max(0, start - clockSlackMs))).sequence;
    const messages = stored.after(from, subject);
    let deleted = 0;
    try {
      for (;;) {
        const some = await stored.inTurn(() => messages.read(readAtATime));
        const last = some.at(-1);
        if (!last) return deleted;
        const sequences = some
          .filter(({ seq, data }) => {
            const time = timeOf(data);
            return seq <= bound && time !== undefined && time >= start && time < end;
          })
          .map(({ seq }) => seq);
        await deleteMessages(this.#nats, stored.stream, sequences);
        deleted += sequences.length;
        if (last.seq >= bound || Number(last.timestampNanos) / 1e6 > end + maxStoreDelayMs) return deleted;
      }
    } finally {
      messages.close();
    }
  }
}

/** Deletes messages by their sequences, some at a time. @throws when NATS does not answer */
export async function deleteMessages(
  nats: Nats,
  stream: string,
  sequences: readonly number[],
): Promise<void> {
  for (let i = 0; i < sequences.length; i += deletedAtATime)
    await Promise.all(
      sequences.slice(i, i + deletedAtATime).map((seq) => nats.manager.streams.deleteMessage(stream, seq)),
    );
}

/** The position of an analysis; undefined when it was written by an unknown version. */
function placeIn(data: Uint8Array): AnalysisPlace | undefined {
  try {
    return decodeJson(analysisPlaceSchema, data);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function rawTime(data: Uint8Array): number | undefined {
  return timeIn(() => FrameDetections.decode(data).frame?.captureTime);
}

function entryTime(data: Uint8Array): number | undefined {
  return timeIn(() => {
    const { entry } = TimelineEntry.decode(data);
    return entry?.$case === "frame" ? entry.value.frame?.captureTime : undefined;
  });
}

function timeIn(read: () => Timestamp | undefined): number | undefined {
  try {
    const time = read();
    return time && fromTimestamp(time);
  } catch {
    return undefined;
  }
}
