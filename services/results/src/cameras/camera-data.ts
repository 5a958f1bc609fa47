import { Event, fromTimestamp, streams, subjects, type Timestamp } from "@sightline/contracts";
import type { Nats, SnapshotStore } from "@sightline/service";
import type { StoredMessages } from "../feeds/stored-messages.ts";
import { ApiError } from "../grpc/errors.ts";
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

/** What is kept of cameras apart from their settings: events, their pictures, detections, recordings. */
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
   * Deletes what is kept of a camera, registered or not, in a range of time, or all of it: events that began in it, pictures and frames' detections
   * taken in it, and recordings that lie wholly in it. Reports of shadows go that have a picture of it.
   * @throws ApiError invalid_argument, history_unavailable, and recording_unavailable when only recordings are left
   */
  async delete(name: string, startTime?: Timestamp, endTime?: Timestamp): Promise<DeletedData> {
    const camera = readCameraName(name);
    const range = readTimeRange(startTime, endTime);
    // Events first: a picture that comes meanwhile is kept only while its event is there (`RecordedPictures`).
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

  /** Deletes all messages about the events that began in the range; returns how many events these are. */
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
          // What cannot be read is of no use to anyone, and of no time that could be told.
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
