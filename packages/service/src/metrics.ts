import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { StreamFault } from "./jetstream-watch.ts";

/** Buckets for latencies of a frame, in seconds: 1 ms to 10 s, dense where a live system lives. */
export const latencyBuckets = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10,
];

/** How often the lag of the event loop is looked at. What the metrics say of it includes this time. */
const lagLookMs = 100;

/**
 * A registry with the process's own metrics (CPU, memory, event loop lag) and `sightline_build_info`. With `exemplars` it
 * speaks OpenMetrics, the only form that carries them.
 */
export function createRegistry(service: string, version: string, exemplars = false): Registry {
  const registry = new Registry();
  if (exemplars) registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  // Each look wakes the process up: 100 a second, the default, cost an idle one half of its time.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagLookMs });
  new Gauge({
    name: "sightline_build_info",
    help: "Constant 1, labelled with the service and its version.",
    labelNames: ["service", "version"],
    registers: [registry],
  }).set({ service, version }, 1);
  return registry;
}

/** Tells which streams do not do for this process what they should. */
export function observeStreamFaults(registry: Registry, faults: () => readonly StreamFault[]): void {
  new Gauge({
    name: "sightline_stream_faults",
    help: "1 for a stream that does not take messages of this process (lacks=takes), whose state JetStream does not give (lacks=gives), or that holds what cannot be read (lacks=keeps).",
    labelNames: ["stream", "lacks"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { stream, lacks } of faults()) this.set({ stream, lacks }, 1);
    },
  });
}

/** Counts where this process found that a stream has lost its newest messages. */
export class SetBacks {
  readonly #counts = new Map<string, number>();

  note(stream: string): void {
    this.#counts.set(stream, (this.#counts.get(stream) ?? 0) + 1);
  }

  /** Tells Prometheus. */
  observe(registry: Registry): void {
    const counts = this.#counts;
    new Counter({
      name: "sightline_stream_set_backs_total",
      help: "Times that a reader or writer in this process found that NATS has lost the newest messages of a stream; one loss is found by several.",
      labelNames: ["stream"],
      registers: [registry],
      collect() {
        this.reset();
        for (const [stream, count] of counts) this.inc({ stream }, count);
      },
    });
  }
}
