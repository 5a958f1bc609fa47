import { setTimeout as delay } from "node:timers/promises";
import { streams } from "@sightline/contracts";
import { type Nats, streamMaking, unreadableEnd } from "@sightline/service";
import { TimelineError } from "./errors.ts";

/** What the analysis writes to. */
const written = [streams.timeline, streams.events] as const;
/** What was found holds for this long: many cameras ask at the same time. */
const sameMs = 500;
/** A message that could not be read is requested again after this time, unless it is no longer the newest. */
const readAgainMs = 10_000;
/** nats-server 2.9.10 crashes if it is asked for a message of a stream that it is just creating. */
const createdMs = 250;

/** What is known about a stream. */
interface Known {
  making: string;
  /** The message that cannot be read, and when it was last tried, by performance.now(). */
  unreadable?: { sequence: number; readAt: number } | undefined;
}

/**
 * Knows whether NATS can read the newest messages of the streams to which the analysis writes. What NATS appends to a damaged stream is
 * lost, and what it says about a camera's last entry is wrong, so nothing is written to such a stream. All cameras of a process share this.
 */
export class StreamDamage {
  readonly #manager: Nats["manager"];
  readonly #known = new Map<string, Known>();
  #checking: Promise<void> | undefined;
  /** What the last check found, and when, by performance.now(). */
  #found: { error: TimelineError; at: number } | undefined;

  constructor(manager: Nats["manager"]) {
    this.#manager = manager;
  }

  /**
   * Checks that the newest messages can be read.
   * @throws TimelineError stream_damaged; other errors when NATS does not answer
   */
  async requireReadable(): Promise<void> {
    if (this.#found && performance.now() - this.#found.at < sameMs) throw this.#found.error;
    this.#checking ??= this.#check();
    const checking = this.#checking;
    try {
      await checking;
    } finally {
      if (this.#checking === checking) this.#checking = undefined;
    }
  }

  /** NATS is back: earlier requests are never answered, and say nothing about a server that was started again. */
  natsReturned(): void {
    this.#checking = undefined;
    this.#found = undefined;
  }

  async #check(): Promise<void> {
    this.#found = undefined;
    const readable = await Promise.all(written.map((stream) => this.#isReadable(stream)));
    const damaged = written.filter((_, i) => !readable[i]);
    if (damaged.length === 0) return;
    const error = new TimelineError(
      "stream_damaged",
      `NATS cannot read the newest message of ${damaged.join(" and ")}: its files are damaged`,
    );
    this.#found = { error, at: performance.now() };
    throw error;
  }

  async #isReadable(stream: string): Promise<boolean> {
    const info = await this.#manager.streams.info(stream);
    const making = streamMaking(info);
    const before = this.#known.get(stream);
    const known: Known = before?.making === making ? before : { making };
    if (before && before !== known) await delay(createdMs);
    this.#known.set(stream, known);
    // Another server may have an undamaged copy, also of what is appended, and nobody replaces such a stream.
    if (info.config.num_replicas > 1) return true;
    const { sequence, readAt = 0 } = known.unreadable ?? {};
    const now = performance.now();
    if (sequence === info.state.last_seq && now - readAt < readAgainMs) return false;
    const end = await unreadableEnd(this.#manager, stream, "last", info.state);
    known.unreadable = end === undefined ? undefined : { sequence: end, readAt: now };
    return end === undefined;
  }
}
