import { Event, fromTimestamp, streams, subjects, type Timestamp } from "@sightline/contracts";
import type { Nats, SnapshotStore } from "@sightline/service";
import { ApiError } from "../errors.ts";
import type { StoredMessages } from "../feeds/stored-messages.ts";
import type { EventReviews } from "../history/event-reviews.ts";
import { lookUp, readTimeRange, type TimeRange } from "../history/history-page.ts";
import type { ShadowReports } from "../models/shadows/shadow-reports.ts";
import { type RecordingService, readCameraName } from "../recordings/recording-service.ts";
import { openRange } from "../recordings/video-range.ts";
import { deleteMessages, type KeptDetections } from "./kept-detections.ts";

const readAtATime = 256;

/** What was deleted of a camera. */
export interface DeletedData {
  deletedEvents: number;
  deletedPictures: number;
  deletedSegments: number;
  deletedBytes: number;
  deletedFrames: number;
}

/** Stored data of cameras apart from their settings: events, their pictures, detections, recordings. */
export class CameraData {
  readonly #nats: Nats;
  readonly #events: StoredMessages;
  readonly #reviews: EventReviews;
  readonly #detections: KeptDetections;
  readonly #pictures: SnapshotStore;
  readonly #recordings: RecordingService;
  readonly #shadows: Pick<ShadowReports, "forgetCamera">;

  constructor(
    nats: Nats,
    events: StoredMessages,
    reviews: EventReviews,
    detections: KeptDetections,
    pictures: SnapshotStore,
    recordings: RecordingService,
    shadows: Pick<ShadowReports, "forgetCamera">,
  ) {
    this.#nats = nats;
    this.#events = events;
    this.#reviews = reviews;
    this.#detections = detections;
    this.#pictures = pictures;
    this.#recordings = recordings;
    this.#shadows = shadows;
  }

  /**
   * Deletes stored data of a camera, registered or not, in a time range or completely: events that began in it, pictures and detections of
   * frames taken in it, and recordings that lie entirely in it. Reports of shadows that contain a picture of it are deleted too.
   * @throws ApiError invalid_argument, history_unavailable; recording_unavailable when only the recordings remain
   */
  async delete(name: string, startTime?: Timestamp, endTime?: Timestamp): Promise<DeletedData> {
    const camera = readCameraName(name);
    const range = readTimeRange(startTime, endTime);
    // Events first: a picture that arrives meanwhile is kept only while its event exists (`RecordedPictures`).
    const deletedEvents = await lookUp(() => this.#deleteEvents(camera, range));
    const deletedPictures = await lookUp(() => this.#pictures.deleteOf(camera, range));
    const deletedFrames = await lookUp(() => this.#detections.delete(camera, range));
    const isAll = startTime === undefined && endTime === undefined;
    await lookUp(() => this.#shadows.forgetCamera(camera, range));
    const video = await this.#recordings
      .delete(camera, isAll ? undefined : openRange(startTime, endTime))
      .catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        if (error.code === "recording_not_found" || error.code === "camera_not_found")
          return { deletedSegments: 0, deletedBytes: 0 };
        throw new ApiError(
          error.code,
          `events, their pictures and detections are deleted, recordings are not: ${error.message}`,
          { cause: error },
        );
      });
    return { deletedEvents, deletedPictures, deletedFrames, ...video };
  }

  /** Deletes all messages about events that began in the range; returns the number of events. */
  async #deleteEvents(camera: string, { start, end }: TimeRange): Promise<number> {
    const events = new Set<string>();
    const sequences: number[] = [];
    const messages = this.#events.after(0, subjects.event(camera, "*"));
    try {
      for (;;) {
        const some = await this.#events.inTurn(() => messages.read(readAtATime));
        if (some.length === 0) break;
        for (const { seq, subject, data } of some) {
          const at = startOf(data);
          // A message that cannot be read is useless, and its time is unknown, so it is deleted too.
          if (at !== undefined && !(at >= start && at < end)) continue;
          events.add(subject);
          sequences.push(seq);
        }
      }
    } finally {
      messages.close();
    }
    await deleteMessages(this.#nats, streams.events, sequences);
    await this.#reviews.sweep(camera);
    return events.size;
  }
}

function startOf(data: Uint8Array): number | undefined {
  try {
    const { startTime } = Event.decode(data);
    return startTime && fromTimestamp(startTime);
  } catch {
    return undefined;
  }
}
