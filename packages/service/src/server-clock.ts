import type { KV } from "@nats-io/kv";
import { onClockStep, wallAgeMs, wallClockMs } from "./clock.ts";
import type { Logger } from "./log.ts";

const measureMs = 5_000;
/** Time stamps are read to the millisecond. */
const precisionMs = 1;

/**
 * Relates this process to the clock of the NATS server, whose time stamps all services share. The server stamps an entry between the
 * moments when it was sent and confirmed, so the difference between the clocks is known to that precision. If the difference may be zero,
 * it counts as zero: then both use one host's clock, or NTP keeps them together.
 */
export class ServerClock {
  readonly #kv: KV;
  readonly #key: string;
  readonly #log: Logger;
  /** The server's clock minus performance.now(); undefined when the server's clock is our wall clock. */
  #offsetMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #forgetStep: (() => void) | undefined;
  #measuring: Promise<void> | undefined;

  /** `kv`: a bucket whose entries expire; `key`: an entry that only this process uses. */
  constructor(kv: KV, key: string, log: Logger) {
    this.#kv = kv;
    this.#key = key;
    this.#log = log;
  }

  /** Measures now, then every 5 s and whenever this host's clock is set. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#measure(), measureMs);
    this.#forgetStep = onClockStep(() => void this.#measure());
    await this.#measure();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#forgetStep?.();
    await this.#measuring;
  }

  /** Milliseconds since the server's clock showed `stampMs`; negative only by the measurement's error. */
  ageMs(stampMs: number): number {
    return this.#offsetMs === undefined ? wallAgeMs(stampMs) : performance.now() + this.#offsetMs - stampMs;
  }

  /** What the server's clock showed at a moment of performance.now(), in milliseconds since 1970. */
  at(monotonic: number): number {
    return this.#offsetMs === undefined ? wallClockMs(monotonic) : this.#offsetMs + monotonic;
  }

  #measure(): Promise<void> {
    this.#measuring ??= this.#ask().finally(() => {
      this.#measuring = undefined;
    });
    return this.#measuring;
  }

  async #ask(): Promise<void> {
    try {
      const sentAt = performance.now();
      const revision = await this.#kv.put(this.#key, "");
      const confirmedAt = performance.now();
      const entry = await this.#kv.get(this.#key, { revision });
      if (!entry) return;
      const stampMs = entry.created.getTime();
      const least = stampMs - precisionMs - confirmedAt;
      const most = stampMs + precisionMs - sentAt;
      const ours = wallClockMs(confirmedAt) - confirmedAt;
      this.#offsetMs = ours >= least && ours <= most ? undefined : (least + most) / 2;
    } catch (error) {
      this.#log.debug({ err: error }, "the server's clock could not be read; trying again");
    }
  }
}
