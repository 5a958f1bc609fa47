import { cameraName, type FrameDetections } from "@sightline/contracts";
import { DetectionServiceClient, type SubscribeDetectionsResponse } from "@sightline/contracts/api";
import { type CallSettings, pages } from "./calls.ts";
import type { Connection } from "./connection.ts";
import type { SightlineError } from "./errors.ts";
import {
  Interruption,
  type ProgressMessage,
  resuming,
  type SubscribeOptions,
  type WithProgress,
} from "./resume.ts";
import { fromGap, type MissingMessages, Place, type Start } from "./start.ts";
import { toTime } from "./time.ts";

/** Which detections to deliver. Without any field, all. */
export interface DetectionFilter {
  /** Camera ids. */
  cameras?: readonly string[];
  /** Class names. */
  classes?: readonly string[];
  /** Only detections with at least this score, 0..1. */
  minScore?: number;
  /** Also deliver frames in which nothing passed the filters. */
  includeEmpty?: boolean;
}

/** Which detections to deliver, where to begin, and how. */
export interface DetectionSubscription extends DetectionFilter, SubscribeOptions {
  /** Where to begin; default "live". */
  start?: "live" | Start;
}

/** What a subscription to detections delivers. A subscription that starts with a message's `cursor` continues after that message. */
export type DetectionEvent =
  /** A frame with its detections. */
  | { kind: "frame"; frame: FrameDetections; cursor: string }
  /** Only live: this many frames were skipped here, because the loop was too slow. */
  | { kind: "skipped"; count: number }
  /** Only live: the connection was lost here. Frames are missed until it is back; their number is unknown. */
  | { kind: "interrupted"; reason: SightlineError }
  /** Never live: messages are permanently lost here. */
  | { kind: "gap"; gap: MissingMessages; cursor: string };

/** Which stored frames to list. Without any field, all. */
export interface DetectionQuery extends DetectionFilter, CallSettings {
  /** Frames captured at this time or later. */
  from?: Date;
  /** Frames captured before this time. */
  to?: Date;
  /** Only detections in the camera's zone of this name. */
  zone?: string;
  /** Frames fetched at a time, 1-1000. */
  pageSize?: number;
}

/**
 * New detections as they are made, and stored ones.
 *
 * @example
 * ```ts
 * for await (const message of client.detections.subscribe({ cameras: ["front"], start: "beginning" })) {
 *   if (message.kind !== "frame") continue;
 *   assert.equal(message.frame.detections[0]?.className, "person");
 *   break;
 * }
 * ```
 */
export class Detections {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Iterates over detections, in order for each camera, until aborted. It reconnects automatically after a lost
   * connection. Live, a loop that is too slow skips frames, and a lost connection misses frames; both are reported at their place. With
   * a `start` nothing is missed and nothing comes twice: a slow loop gets messages late, and after a lost connection it continues after the last
   * message that the loop got, or at a later place if nothing came since. Live there are no progress messages.
   * @throws SightlineError for errors that a retry cannot fix
   */
  subscribe(
    options: DetectionSubscription & WithProgress,
  ): AsyncGenerator<DetectionEvent | ProgressMessage, void>;
  subscribe(options?: DetectionSubscription): AsyncGenerator<DetectionEvent, void>;
  async *subscribe(
    options: DetectionSubscription & Partial<WithProgress> = {},
  ): AsyncGenerator<DetectionEvent | ProgressMessage, void> {
    const { start = "live" } = options;
    const place = start === "live" ? undefined : new Place(start);
    const filter = toRequest(options);
    const answers = resuming(
      this.#connection,
      {
        type: DetectionServiceClient,
        start: (client) => client.subscribeDetections({ ...filter, start: place?.position, progress: true }),
        onHeaders: (headers) => place?.opened(headers),
      },
      options,
    );
    for await (const answer of answers) {
      const event = toEvent(answer);
      if (!event || (event.kind === "interrupted" && place)) continue;
      if ("cursor" in event) place?.passed(event.cursor);
      if (event.kind !== "progress" || options.progress) yield event;
    }
  }

  /** Iterates over stored frames, in the order in which they were stored. @throws SightlineError */
  async *list(query: DetectionQuery = {}): AsyncGenerator<FrameDetections, void> {
    const request = {
      ...toRequest(query),
      startTime: query.from && toTime(query.from, "from"),
      endTime: query.to && toTime(query.to, "to"),
      zone: query.zone ?? "",
      pageSize: query.pageSize ?? 0,
    };
    for await (const { frames } of pages(request, (one) =>
      this.#connection.call(DetectionServiceClient, (client) => client.listDetections, one, query),
    ))
      yield* frames;
  }
}

function toEvent(
  answer: SubscribeDetectionsResponse | Interruption,
): DetectionEvent | ProgressMessage | undefined {
  if (answer instanceof Interruption) return { kind: "interrupted", reason: answer.reason };
  const { event, cursor } = answer;
  switch (event?.$case) {
    case "frame":
      return { kind: "frame", frame: event.value, cursor };
    case "skipped":
      return { kind: "skipped", count: event.value.count };
    case "gap":
      return { kind: "gap", gap: fromGap(event.value), cursor };
    case "progress":
      return { kind: "progress", cursor };
    case undefined:
      return undefined;
  }
}

function toRequest(filter: DetectionFilter) {
  return {
    cameras: (filter.cameras ?? []).map(cameraName),
    classes: [...(filter.classes ?? [])],
    minScore: filter.minScore ?? 0,
    includeEmpty: filter.includeEmpty ?? false,
  };
}
