import type { StreamInfo } from "@nats-io/jetstream";
import type { Nats } from "@sightline/service";
import { Gauge, type Registry } from "prom-client";

/**
 * Tells Prometheus whether NATS answers and what its streams hold, buckets included. While NATS is away the streams
 * have no values rather than old ones.
 */
export class StreamMetrics {
  readonly #natsUp: Gauge;
  readonly #streams: { gauge: Gauge<"stream">; value: (info: StreamInfo) => number }[];
  readonly #pollMs: number;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(registry: Registry, pollMs = 5_000) {
    this.#pollMs = pollMs;
    const registers = [registry];
    this.#natsUp = new Gauge({
      name: "sightline_nats_up",
      help: "1 while NATS answers, else 0.",
      registers,
    });
    const stream = (name: string, help: string, value: (info: StreamInfo) => number) => ({
      gauge: new Gauge({ name: `sightline_stream_${name}`, help, labelNames: ["stream"], registers }),
      value,
    });
    this.#streams = [
      stream("bytes", "Size of a stream.", ({ state }) => state.bytes),
      stream("max_bytes", "Size at which a stream is full; 0 when it has no limit.", ({ config }) =>
        Math.max(0, config.max_bytes),
      ),
      stream("messages", "Messages in a stream.", ({ state }) => state.messages),
      stream("oldest_seconds", "Age of a stream's oldest message; 0 when it is empty.", ({ state }) =>
        state.messages === 0 ? 0 : Math.max(0, Date.now() - Date.parse(state.first_ts)) / 1000,
      ),
    ];
  }

  /** Asks at once, and again `pollMs` after each answer. */
  start(nats: Pick<Nats, "manager" | "connected">): void {
    void this.#keepAsking(nats);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #keepAsking(nats: Pick<Nats, "manager" | "connected">): Promise<void> {
    const infos = nats.connected()
      ? await Array.fromAsync(nats.manager.streams.list()).catch(() => undefined)
      : undefined;
    if (this.#stopped) return;
    this.#natsUp.set(infos ? 1 : 0);
    for (const { gauge, value } of this.#streams) {
      gauge.reset();
      for (const info of infos ?? []) gauge.set({ stream: info.config.name }, value(info));
    }
    this.#timer = setTimeout(() => void this.#keepAsking(nats), this.#pollMs);
  }
}
