import { StorageType } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { headers } from "@nats-io/transport-node";
import { streams } from "@sightline/contracts";
import { ensureStream, Lease, type Logger, type Nats, remakeStream } from "@sightline/service";
import { Counter, type Registry } from "prom-client";
import { StoredMessages, type StoredRange } from "./feeds/stored-messages.ts";
import type { Stalls } from "./http/findings/stalls.ts";
import { lastReadable, unreadableEnd } from "./unreadable-end.ts";

const lookMs = 2_000;
/** Most messages that are copied, and at a time. */
const [mostCopied, batch] = [50_000, 256];

/** Where what can still be read of a damaged stream is put, for a person to look at. */
const setAside = {
  name: "SET_ASIDE",
  subjects: ["set-aside.>"],
  storage: StorageType.File,
  discard: "old" as const,
  max_bytes: 64 * 1024 ** 2,
  max_age: 30 * 24 * 3600 * 1e9,
};
const sequenceHeader = "Sightline-Sequence";

/** What the analysis goes on without. Events are kept for long: what becomes of them is for a person to say. */
const repaired: readonly string[] = [streams.timeline, streams.detections];

/**
 * Finds streams to which NATS appends what nobody can read: the file that it writes to is damaged, and all that it
 * acknowledges is lost, also after it is restarted. What can be read of such a stream is copied, and the stream is made anew.
 */
export class DamagedStreams {
  readonly #nats: Nats;
  readonly #leases: KV;
  readonly #stalls: Pick<Stalls, "any">;
  readonly #log: Logger;
  readonly #setAside: Counter<"stream">;
  /** The ends that could not be read. */
  readonly #ends = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(nats: Nats, leases: KV, stalls: Pick<Stalls, "any">, registry: Registry, log: Logger) {
    this.#stalls = stalls;
    this.#nats = nats;
    this.#leases = leases;
    this.#log = log;
    this.#setAside = new Counter({
      name: "sightline_stream_set_aside_total",
      help: "Times that what a stream was stored in was damaged, so that this process made it anew.",
      labelNames: ["stream"],
      registers: [registry],
    });
  }

  start(): void {
    this.#looking = this.#look().finally(() => {
      if (!this.#stopped) this.#timer = setTimeout(() => this.start(), lookMs);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    for (const stream of repaired)
      try {
        if (this.#nats.connected() && (await this.#isDamaged(stream))) await this.#repair(stream);
      } catch (error) {
        this.#log.debug({ stream, error: (error as Error).message }, "a stream could not be looked at");
      }
  }

  /**
   * Whether the newest message cannot be read, now and before, and it does not become better by itself: one that came since
   * cannot be read either, or the analysis does not go on (NATS refuses frames as duplicates of those that nobody can read).
   */
  async #isDamaged(stream: string): Promise<boolean> {
    const before = this.#ends.get(stream);
    const end = await unreadableEnd(this.#nats.manager, stream);
    if (end === undefined) this.#ends.delete(stream);
    else if (before === undefined) this.#ends.set(stream, end);
    if (end === undefined || before === undefined) return false;
    return end > before || (stream === streams.timeline && this.#stalls.any);
  }

  /** One process at a time; the next finds that it can be read. */
  async #repair(stream: string): Promise<void> {
    const { manager } = this.#nats;
    const lease = await Lease.acquire(this.#leases, `repair.${stream}`, "results", this.#log);
    if (!lease) return;
    try {
      const end = await unreadableEnd(manager, stream);
      if (end === undefined) return;
      const { config } = await manager.streams.info(stream);
      if (config.num_replicas > 1) {
        this.#log.error(
          { stream },
          `NATS cannot read what it stores of stream ${stream}: the files of the server that leads it are damaged. Make another lead it: nats stream cluster step-down ${stream}`,
        );
        return;
      }
      const copied = stream === streams.timeline ? await this.#copy(stream, end) : 0;
      await remakeStream(manager, stream);
      this.#ends.delete(stream);
      this.#setAside.inc({ stream });
      this.#log.error(
        { stream, lost: end, copied, ...(copied > 0 && { in: setAside.name }) },
        `the files of stream ${stream} were damaged: NATS could not read what it stored there. The stream is made anew and goes on with a gap; look at the disk of NATS`,
      );
    } finally {
      await lease.release();
    }
  }

  /** Copies what can be read, the newest at most; returns how much that was. Without room for a copy there is none. */
  async #copy(stream: string, end: number): Promise<number> {
    let copied = 0;
    const stored = new StoredMessages(this.#nats, stream);
    let reader: StoredRange | undefined;
    try {
      const { first } = await stored.state();
      const last = await lastReadable(this.#nats.manager, stream, first, end);
      let position = Math.max(first - 1, last - mostCopied);
      if (position >= last) return 0;
      await ensureStream(this.#nats.manager, setAside);
      reader = stored.after(position);
      while (position < last) {
        const read = await reader.read(Math.min(batch, last - position));
        await Promise.all(
          read.map(({ subject, data, seq }) => {
            const from = headers();
            from.set(sequenceHeader, String(seq));
            return this.#nats.jetstream.publish(`set-aside.${stream}.${subject}`, data, { headers: from });
          }),
        );
        copied += read.length;
        position = read.at(-1)?.seq ?? last;
      }
    } catch (error) {
      this.#log.warn({ stream, copied, error: (error as Error).message }, "the copy ends here");
    } finally {
      reader?.close();
    }
    return copied;
  }
}
