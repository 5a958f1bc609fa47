import type { Event, FrameDetections } from "@sightline/contracts";
import {
  type Lifecycle,
  type Logger,
  type Nats,
  PictureClient,
  RecentDetections,
  type SnapshotStore,
} from "@sightline/service";
import { Counter, type Registry } from "prom-client";
import { type FrameAge, SnapshotClaims } from "./snapshot-claims.ts";
import { type SnapshotFailure, SnapshotTaker } from "./snapshot-taker.ts";

/** The pictures of the events that this process publishes. */
export interface EventPictures {
  /** A frame is in its camera's timeline. Called in order, and before the events that result from it. */
  analysed(frame: FrameDetections): void;
  /** Removes the name of a picture that is not available from an event that is about to be published. */
  settle(event: Event, age: FrameAge): Promise<void>;
  /**
   * Takes the picture of an event that this process has published. Called in order for each camera. `found`: a process that
   * has ended may have published the event; those events come first.
   */
  published(event: Event, found: boolean): void;
  /** The camera is no longer analysed here. */
  forget(camera: string): void;
}

/** Starts taking pictures of events; stopped through `life`. */
export function startPictures(
  nats: Nats,
  store: SnapshotStore,
  registry: Registry,
  log: Logger,
  life: Lifecycle,
): EventPictures {
  const metrics = new SnapshotMetrics(registry);
  const detections = new RecentDetections();
  const taker = life.add(
    new SnapshotTaker(new PictureClient(nats), store, detections, (failure) => metrics.taken(failure), log),
  );
  const claims = new SnapshotClaims(taker, store, log);
  return {
    analysed: (frame) => detections.add(frame),
    settle: (event, age) => claims.settle(event, age),
    published: (event, found) => taker.offer(event, found),
    forget: (camera) => detections.forget(camera),
  };
}

/** The metrics of taking pictures of events. */
export class SnapshotMetrics {
  readonly #stored: Counter;
  readonly #failed: Counter<"reason">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#stored = new Counter({
      name: "sightline_snapshots_stored_total",
      help: "Pictures of events that were stored.",
      registers,
    });
    this.#failed = new Counter({
      name: "sightline_snapshots_failed_total",
      help: "Pictures of events that could not be taken or stored, by reason.",
      labelNames: ["reason"],
      registers,
    });
  }

  /** A picture was stored, or was not for this reason. */
  taken(failure: SnapshotFailure | undefined): void {
    if (failure === undefined) this.#stored.inc();
    else this.#failed.inc({ reason: failure });
  }
}
