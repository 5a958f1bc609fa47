import { DropReason, type FrameMetadata } from "@sightline/contracts";
import type { FrameBuffers } from "./frame-buffers.ts";
import type { Ledger } from "./ledger.ts";
import { TokenTiming } from "./token-timing.ts";

/** A frame in memory: its message with room for the header, and what the header will say. */
export interface WaitingFrame {
  /** The header, but for what is known only when the frame is handed over. */
  metadata: Omit<FrameMetadata, "previousNumber" | "queueUs">;
  message: Uint8Array<ArrayBuffer>;
  buffers: FrameBuffers;
  /** When its compressed picture had arrived, by performance.now(). */
  arrivedAt: number;
  /** When its pixels were in memory, by performance.now(). */
  readyAt: number;
}

/** A frame that a worker gets, and its whole header. */
export interface TakenFrame extends WaitingFrame {
  header: FrameMetadata;
}

/** The newest frame of a camera, and the one token that says so. Only the token with the newest id is good. */
export class FrameQueue {
  readonly #ledger: Ledger;
  readonly #offer: (token: number) => void;
  readonly #timing = new TokenTiming();
  #waiting: WaitingFrame | undefined;
  #lastHanded = 0;
  #lastToken = 0;
  #out: { token: number; since: number } | undefined;

  /** `offer` publishes a token. */
  constructor(ledger: Ledger, offer: (token: number) => void) {
    this.#ledger = ledger;
    this.#offer = offer;
  }

  /** Takes the newest frame; the one that waited is superseded. Offers a token when none is out. */
  put(frame: WaitingFrame): void {
    this.#discard(DropReason.SUPERSEDED);
    this.#timing.arrived(frame.readyAt);
    this.#waiting = frame;
    if (!this.#out) this.#offerNew();
  }

  /** The frame for a token; undefined when the token is void, or was offered ahead of a frame that has not come. */
  take(token: number): TakenFrame | undefined {
    if (this.#out?.token !== token) return undefined;
    this.#out = undefined;
    const frame = this.#waiting;
    if (!frame) return undefined;
    this.#waiting = undefined;
    const now = performance.now();
    const previousNumber = this.#lastHanded;
    const queueUs = Math.round((now - frame.readyAt) * 1000);
    this.#lastHanded = frame.metadata.number;
    if (this.#timing.taken(now)) this.#offerNew();
    return { ...frame, header: { ...frame.metadata, previousNumber, queueUs } };
  }

  /** The token that is out, and since when by performance.now(). */
  get out(): { token: number; since: number } | undefined {
    return this.#out;
  }

  /** The token is not in the queue any more: offers another if a frame waits. */
  tokenLost(token: number): void {
    if (this.#out?.token !== token) return;
    this.#out = undefined;
    if (this.#waiting) this.#offerNew();
  }

  /** Drops the frame that waits and voids the token. */
  clear(): void {
    this.#discard(DropReason.CAMERA_STOPPED);
    this.#out = undefined;
  }

  #offerNew(): void {
    this.#lastToken += 1;
    const now = performance.now();
    this.#timing.offered(now);
    this.#out = { token: this.#lastToken, since: now };
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
