import { Counter, type Registry } from "prom-client";
import type { SnapshotFailure } from "./snapshot-taker.ts";

/** What is measured of taking pictures of events. */
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

  /** A picture was stored, or not and why. */
  taken(failure: SnapshotFailure | undefined): void {
    if (failure === undefined) this.#stored.inc();
    else this.#failed.inc({ reason: failure });
  }
}
