import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { StreamFault } from "./jetstream-watch.ts";

/** Buckets for latencies of a frame, in seconds: 1 ms to 10 s, dense in the range of a live system. */
export const latencyBuckets = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10,
];

/** How often the event loop's lag is measured. The lag in the metrics includes this time. */
const lagLookMs = 100;

/**
 * A registry with the process's own metrics (CPU, memory, event loop lag) and `sightline_build_info`. With `exemplars` it uses OpenMetrics,
 * the only format with exemplars.
 */
export function createRegistry(service: string, version: string, exemplars = false): Registry {
  const registry = new Registry();
  if (exemplars) registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  // Each measurement wakes the process: the default, 100 per second, was half of an idle process's CPU time.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagLookMs });
  new Gauge({
    name: "sightline_build_info",
    help: "Constant 1, labelled with the service and its version.",
    labelNames: ["service", "version"],
    registers: [registry],
  }).set({ service, version }, 1);
  return registry;
}

/** Adds metrics about streams that do not work as they should for this process. */
export function observeStreamFaults(registry: Registry, faults: () => readonly StreamFault[]): void {
  new Gauge({
    name: "sightline_stream_faults",
    help: "1 for a stream that does not take messages of this process (lacks=takes), whose state JetStream does not report (lacks=gives), or that holds messages that cannot be read (lacks=keeps).",
    labelNames: ["stream", "lacks"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { stream, lacks } of faults()) this.set({ stream, lacks }, 1);
    },
  });
}

/** Counts how often this process found that a stream has lost its newest messages. */
export class SetBacks {
  readonly #counts = new Map<string, number>();

  note(stream: string): void {
    this.#counts.set(stream, (this.#counts.get(stream) ?? 0) + 1);
  }

  /** Adds the counts to Prometheus metrics. */
  observe(registry: Registry): void {
    const counts = this.#counts;
    new Counter({
      name: "sightline_stream_set_backs_total",
      help: "Times that a reader or writer in this process found that NATS has lost the newest messages of a stream. Several of them may find the same loss.",
      labelNames: ["stream"],
      registers: [registry],
      collect() {
        this.reset();
        for (const [stream, count] of counts) this.inc({ stream }, count);
      },
    });
  }
}
