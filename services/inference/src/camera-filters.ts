import type { KV, KvWatchEntry } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { cameraRecordSchema, decodeJson } from "@sightline/contracts";
import type { Logger } from "@sightline/service";

/** What of a camera's detections is published. */
export interface CameraFilter {
  /** 0 means the model's default. */
  minScore: number;
  /** Undefined means all. */
  classes: ReadonlySet<string> | undefined;
}

const everything: CameraFilter = { minScore: 0, classes: undefined };
const retryMs = 250;

/** Follows the registry for each camera's score and class filter. */
export class CameraFilters {
  readonly #kv: KV;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  readonly #onRemoved: (camera: string) => void;
  readonly #filters = new Map<string, CameraFilter>();
  #watch: { stop(): void } | undefined;
  #stopped = false;

  constructor(kv: KV, connection: NatsConnection, onRemoved: (camera: string) => void, log: Logger) {
    this.#kv = kv;
    this.#connection = connection;
    this.#onRemoved = onRemoved;
    this.#log = log;
  }

  start(): void {
    void this.#keepWatching();
    void this.#followConnection();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watch?.stop();
  }

  of(camera: string): CameraFilter {
    return this.#filters.get(camera) ?? everything;
  }

  async #keepWatching(): Promise<void> {
    while (!this.#stopped && !this.#connection.isClosed()) {
      try {
        const watch = await this.#kv.watch();
        this.#watch = watch;
        if (this.#stopped) watch.stop();
        for await (const entry of watch) this.#receive(entry);
      } catch (error) {
        this.#log.debug(
          { error: (error as Error).message },
          "camera registry cannot be watched yet; trying again",
        );
      }
      if (!this.#stopped) await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  /** A server that restarted has forgotten the watch; a new one starts with everything there is. */
  async #followConnection(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (this.#stopped) return;
      if (status.type === "reconnect") this.#watch?.stop();
    }
  }

  #receive(entry: KvWatchEntry): void {
    if (entry.operation !== "PUT") {
      this.#filters.delete(entry.key);
      this.#onRemoved(entry.key);
      return;
    }
    try {
      const { minScore, classes } = decodeJson(cameraRecordSchema, entry.value);
      this.#filters.set(entry.key, { minScore, classes: classes.length > 0 ? new Set(classes) : undefined });
    } catch (error) {
      this.#log.error({ camera: entry.key, error: (error as Error).message }, "camera record cannot be read");
    }
  }
}
