import { cameraName, type DetectionServiceClient, type FrameDetections } from "@sightline/contracts";
import { type StreamConnections, type StreamOptions, stream } from "./calls.ts";

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

/** A frame with what was found in it, or the count of frames that this subscriber was too slow for. */
export type DetectionEvent = { kind: "frame"; frame: FrameDetections } | { kind: "skipped"; count: number };

/** Detections as they are made. */
export class Detections {
  readonly #connections: StreamConnections<DetectionServiceClient>;

  constructor(connections: StreamConnections<DetectionServiceClient>) {
    this.#connections = connections;
  }

  /**
   * Iterates over events from now on, in order per camera, until aborted. A loop that is too slow skips frames and
   * is told how many. `onOpen` is called once the server has the subscription: every later frame will come.
   * @throws SightlineError, UNAVAILABLE when the server goes away
   */
  async *subscribe(filter: DetectionFilter & StreamOptions = {}): AsyncGenerator<DetectionEvent, void> {
    const request = {
      cameras: (filter.cameras ?? []).map(cameraName),
      classes: [...(filter.classes ?? [])],
      minScore: filter.minScore ?? 0,
      includeEmpty: filter.includeEmpty ?? false,
      start: undefined,
    };
    const events = stream(this.#connections, (client) => client.subscribeDetections(request), filter);
    for await (const { event } of events) {
      if (event?.$case === "frame") yield { kind: "frame", frame: event.value };
      else if (event?.$case === "skipped") yield { kind: "skipped", count: event.value.count };
    }
  }
}
