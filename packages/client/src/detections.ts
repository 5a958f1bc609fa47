import {
  cameraName,
  DetectionServiceClient,
  type FrameDetections,
  type SubscribeDetectionsResponse,
} from "@sightline/contracts";
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

/** What to deliver; everything when nothing is given. */
export interface DetectionFilter {
  /** Camera ids. */
  cameras?: readonly string[];
  /** Class names. */
  classes?: readonly string[];
  /** Only detections of at least this score, 0..1. */
  minScore?: number;
  /** Deliver frames too in which nothing passed the filters. */
  includeEmpty?: boolean;
}

/** What of the detections to deliver, from where on, and how. */
export interface DetectionSubscription extends DetectionFilter, SubscribeOptions {
  /** Where to begin; "live" unless given. */
  start?: "live" | Start;
}

/** What a subscription to detections delivers. One that begins with the `cursor` of a message goes on after it. */
export type DetectionEvent =
  /** A frame with what was found in it. */
  | { kind: "frame"; frame: FrameDetections; cursor: string }
  /** Only live: so many frames were skipped here, because the loop was too slow for them. */
  | { kind: "skipped"; count: number }
  /** Only live: the connection was lost here. Frames made until it is back are missed, nobody knows how many. */
  | { kind: "interrupted"; reason: SightlineError }
  /** Never live: messages are gone for good here. */
  | { kind: "gap"; gap: MissingMessages; cursor: string };

/** Which frames of the past to list; everything when nothing is given. */
export interface DetectionQuery extends DetectionFilter, CallSettings {
  /** Capture times from this one on. */
  from?: Date;
  /** Capture times before this one. */
  to?: Date;
  /** Only detections in the camera's zone of this name. */
  zone?: string;
  /** Frames fetched at a time, 1-1000. */
  pageSize?: number;
}

/**
 * Detections as they are made, and those that were made.
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
   * Iterates over detections, in order per camera, until aborted; it connects again by itself whenever the connection is
   * lost. Live, a loop that is too slow skips frames, a lost connection misses some, and both are told in their place. With
   * a `start` nothing is missed and nothing comes twice: a slow loop gets it late, a lost connection goes on after the last
   * message that the loop was given, or a later place if nothing came since. Live there is no progress to tell of.
   * @throws SightlineError for what trying again would not change
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

  /** Iterates over frames that are kept, in the order in which they were stored. @throws SightlineError */
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
