import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** The result of a delivery: it arrived, it will be tried again, or it never will arrive. */
export type Outcome = "delivered" | "retried" | "dead_letter";

const deliveryBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

/** Why a bridge does not run: its settings are wrong, or the endpoint answered that it is gone. */
export type DisabledReason = "misconfigured" | "gone";

/** The counters of one bridge. */
export interface BridgeMeter {
  disabled(reason: DisabledReason): void;
  ended(outcome: Outcome, seconds: number): void;
  connected(connected: boolean): void;
}

/** The bridges' own metrics; each bridge is named after its subscription. */
export class BridgeMetrics {
  readonly #deliveries: Counter<"bridge" | "outcome">;
  readonly #seconds: Histogram<"bridge">;
  readonly #connected: Gauge<"bridge">;
  readonly #disabled: Gauge<"bridge" | "reason">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#deliveries = new Counter({
      name: "sightline_bridge_deliveries_total",
      help: "Attempts to deliver an event, by outcome.",
      labelNames: ["bridge", "outcome"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "sightline_bridge_delivery_seconds",
      help: "Duration of an attempt to deliver an event.",
      labelNames: ["bridge"],
      buckets: deliveryBuckets,
      registers,
    });
    this.#connected = new Gauge({
      name: "sightline_bridge_connected",
      help: "1 while a bridge is connected to the results service and, for MQTT, to its broker; otherwise 0.",
      labelNames: ["bridge"],
      registers,
    });
    this.#disabled = new Gauge({
      name: "sightline_bridge_disabled",
      help: "1 while a bridge does not run because its settings are wrong (misconfigured) or its endpoint answered 410 (gone).",
      labelNames: ["bridge", "reason"],
      registers,
    });
  }

  /** Reports that a bridge does not run, until the bridges are restarted. */
  disabled(bridge: string, reason: DisabledReason): void {
    this.#disabled.set({ bridge, reason }, 1);
  }

  /** The meter of one bridge; its series start at 0. */
  of(bridge: string): BridgeMeter {
    for (const outcome of ["delivered", "retried", "dead_letter"])
      this.#deliveries.inc({ bridge, outcome }, 0);
    this.#seconds.zero({ bridge });
    this.#connected.set({ bridge }, 0);
    this.#disabled.set({ bridge, reason: "gone" }, 0);
    return {
      disabled: (reason) => this.disabled(bridge, reason),
      ended: (outcome, seconds) => {
        this.#deliveries.inc({ bridge, outcome });
        this.#seconds.observe({ bridge }, seconds);
      },
      connected: (connected) => this.#connected.set({ bridge }, connected ? 1 : 0),
    };
  }
}
