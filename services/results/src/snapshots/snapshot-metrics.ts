import { Counter, Gauge, type Registry } from "prom-client";
import type { SnapshotFailure } from "./snapshot-taker.ts";

/** What is measured of pictures of events. */
export class SnapshotMetrics {
  readonly #stored: Counter;
  readonly #failed: Counter<"reason">;
  readonly #bytes: Gauge;

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
    this.#bytes = new Gauge({
      name: "sightline_snapshots_bytes",
      help: "Bytes of pictures of events.",
      registers,
    });
  }

  /** A picture was stored, or not and why. */
  taken(failure: SnapshotFailure | undefined): void {
    if (failure === undefined) this.#stored.inc();
    else this.#failed.inc({ reason: failure });
  }

  bytes(bytes: number): void {
    this.#bytes.set(bytes);
  }
}
