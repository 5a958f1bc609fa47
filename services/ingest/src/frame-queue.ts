import { DropReason, type FrameMetadata } from "@sightline/contracts";
import type { FrameBuffers } from "./frame-buffers.ts";
import type { Ledger } from "./ledger.ts";
import type { CameraTurns } from "./shares/share-plan.ts";
import { Pacer, TokenTiming } from "./token-timing.ts";

/** A frame in memory: its message with room for the header, and the header's content. */
export interface WaitingFrame {
  /** The header, except for what is known only when the frame is handed over. */
  metadata: Omit<FrameMetadata, "previousNumber" | "queueUs">;
  message: Uint8Array<ArrayBuffer>;
  buffers: FrameBuffers;
  /** When its compressed picture had arrived, by performance.now(). */
  arrivedAt: number;
  /** When its pixels were in memory, by performance.now(). */
  readyAt: number;
}

/** At most this many tokens are remembered that workers have but do not use. */
const mostUnused = 8;

/** A frame that a worker gets, with its complete header. */
export interface TakenFrame extends WaitingFrame {
  header: FrameMetadata;
}

/** No camera has a share of its own. */
const allEqual: CameraTurns = { pace: () => undefined, waited: () => {}, arrived: () => {} };

/**
 * The newest frame of a camera, and the tokens that announce it: one, or as many as its share of the workers allows. Each
 * token can be used once; a token that finds no frame is void.
 */
export class FrameQueue {
  readonly #ledger: Ledger;
  readonly #offer: (token: number) => void;
  readonly #turns: CameraTurns;
  readonly #timing = new TokenTiming();
  readonly #pacer = new Pacer(() => this.#offerPaced());
  #waiting: WaitingFrame | undefined;
  #lastHanded = 0;
  #lastToken = 0;
  /** Tokens that are out, the oldest first, with the time since when. */
  readonly #out = new Map<number, number>();
  /** Tokens that workers have and did not use in time. Others were offered in their place, but these stay valid. */
  readonly #unused = new Set<number>();

  /** `offer` publishes a token. */
  constructor(ledger: Ledger, offer: (token: number) => void, turns = allEqual) {
    this.#ledger = ledger;
    this.#offer = offer;
    this.#turns = turns;
  }

  /** Takes the newest frame; the one that was waiting is superseded. Offers a token when one is due. */
  put(frame: WaitingFrame): void {
    this.#turns.arrived(this.#waiting !== undefined);
    this.#discard(DropReason.SUPERSEDED);
    this.#timing.arrived(frame.readyAt);
    this.#waiting = frame;
    this.#offerDue();
  }

  /** The frame for a token; undefined when the token is void, or was offered before a frame that has not come yet. */
  take(token: number): TakenFrame | undefined {
    const now = performance.now();
    const waitedMs = now - (this.#out.get(token) ?? now);
    if (this.#out.delete(token)) this.#turns.waited(waitedMs);
    else if (!this.#unused.delete(token)) return undefined;
    const frame = this.#waiting;
    if (!frame) {
      this.#pacer.missed(this.#turns.pace());
      this.#offerPaced();
      return undefined;
    }
    this.#waiting = undefined;
    const previousNumber = this.#lastHanded;
    const queueUs = Math.round((now - frame.readyAt) * 1000);
    this.#lastHanded = frame.metadata.number;
    if (this.#timing.isLong(waitedMs)) this.#offerDue();
    return { ...frame, header: { ...frame.metadata, previousNumber, queueUs } };
  }

  /** The oldest token that is out, with the time since when, by performance.now(). */
  get out(): { token: number; since: number } | undefined {
    return this.allOut[0];
  }

  /** All tokens that are out, the oldest first. */
  get allOut(): { token: number; since: number }[] {
    return [...this.#out].map(([token, since]) => ({ token, since }));
  }

  isOut(token: number): boolean {
    return this.#out.has(token);
  }

  /** The token is no longer in the queue: offers another one if a frame waits. */
  tokenLost(token: number): void {
    if (this.#out.delete(token) && this.#waiting) this.#offerDue();
  }

  /**
   * A worker has the token and does not use it: offers another one if a frame waits. Whichever is used first gets that
   * frame.
   */
  tokenUnused(token: number): void {
    if (!this.#out.delete(token)) return;
    this.#unused.add(token);
    const [oldest] = this.#unused;
    if (this.#unused.size > mostUnused) this.#unused.delete(oldest!);
    if (this.#waiting) this.#offerDue();
  }

  /** Drops the waiting frame and voids all tokens. */
  clear(): void {
    this.#discard(DropReason.CAMERA_STOPPED);
    this.#pacer.stop();
    this.#out.clear();
    this.#unused.clear();
  }

  #offerDue(): void {
    if (this.#turns.pace()) this.#offerPaced();
    else if (this.#out.size === 0) this.#offerNew();
  }

  /** Offers the tokens that are due, where cameras have shares of their own. */
  #offerPaced(): void {
    for (;;) {
      const pace = this.#turns.pace();
      if (!pace || !(this.#waiting || this.#timing.isLong(pace.waitMs))) return;
      // Each token needs a frame of its own.
      if (this.#out.size >= Math.min(pace.most, 1 + this.#timing.framesIn(pace.waitMs))) return;
      if (!this.#pacer.isDue(pace)) return;
      this.#offerNew();
    }
  }

  #offerNew(): void {
    this.#lastToken += 1;
    this.#out.set(this.#lastToken, performance.now());
    this.#offer(this.#lastToken);
  }

  #discard(reason: DropReason): void {
    const frame = this.#waiting;
    if (!frame) return;
    this.#waiting = undefined;
    this.#ledger.drop(frame.metadata.number, reason);
    frame.buffers.give(frame.message);
  }
}
