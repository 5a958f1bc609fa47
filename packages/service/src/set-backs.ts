import { Counter, type Registry } from "prom-client";

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
