import type { StreamInfo } from "@nats-io/jetstream";
import { diskRoom, type Nats } from "@sightline/service";
import { Gauge, type Registry } from "prom-client";
import { PolledGauges } from "./polled-gauges.ts";

/** Metrics about whether NATS answers and what its streams hold, including buckets. */
export class StreamMetrics {
  readonly #natsUp: Gauge;
  readonly #streams: PolledGauges<StreamInfo, "stream">;

  /** `natsStore`: directory of NATS's data, if it is on this machine. */
  constructor(registry: Registry, natsStore?: string, pollMs?: number) {
    this.#natsUp = new Gauge({
      name: "sightline_nats_up",
      help: "1 while NATS answers, otherwise 0.",
      registers: [registry],
    });
    if (natsStore) observeDisk(registry, natsStore);
    this.#streams = new PolledGauges(registry, gauges, "stream", ({ config }) => config.name, pollMs);
  }

  start(nats: Pick<Nats, "manager" | "connected">): void {
    this.#streams.start(async () => {
      const infos = nats.connected()
        ? await Array.fromAsync(nats.manager.streams.list()).catch(() => undefined)
        : undefined;
      this.#natsUp.set(infos ? 1 : 0);
      return infos;
    });
  }

  stop(): Promise<void> {
    return this.#streams.stop();
  }
}

function observeDisk(registry: Registry, directory: string): void {
  const gauge = (name: string, help: string, value: "freeBytes" | "sizeBytes") =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const room = await diskRoom(directory);
        if (room) this.set(room[value]);
      },
    });
  gauge("sightline_nats_disk_free_bytes", "Free bytes on the disk that holds the data of NATS.", "freeBytes");
  gauge(
    "sightline_nats_disk_size_bytes",
    "Size in bytes of the disk that holds the data of NATS.",
    "sizeBytes",
  );
}

const gauges = [
  {
    name: "sightline_stream_bytes",
    help: "Bytes in a stream.",
    value: ({ state }: StreamInfo) => state.bytes,
  },
  {
    name: "sightline_stream_max_bytes",
    help: "Most bytes that a stream may hold; 0: no limit.",
    value: ({ config }: StreamInfo) => Math.max(0, config.max_bytes),
  },
  {
    name: "sightline_stream_messages",
    help: "Messages in a stream.",
    value: ({ state }: StreamInfo) => state.messages,
  },
  {
    name: "sightline_stream_oldest_seconds",
    help: "Age of a stream's oldest message in seconds; 0 if the stream is empty.",
    value: ({ state }: StreamInfo) =>
      state.messages === 0 ? 0 : Math.max(0, Date.now() - Date.parse(state.first_ts)) / 1000,
  },
];
