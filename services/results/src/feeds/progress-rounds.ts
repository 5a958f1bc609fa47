import type { StreamPlace } from "@sightline/service";
import { encodeCursor, type StreamIdentity } from "./cursor.ts";
import type { FeedFilter, FeedFormat } from "./feed-format.ts";

/** A place, and the stream that it is in. */
export interface PlaceInStream {
  identity: StreamIdentity;
  position: StreamPlace;
}

/** Is told of its progress unless messages tell it. */
export interface ProgressReader {
  /** Comes once a round; `encode` gives the message that tells of a place. */
  tellProgress(encode: (place: PlaceInStream) => Buffer): void;
}

/** How long a round takes unless it is said otherwise. */
export const defaultRoundMs = 5_000;
/** A round is made in so many steps, so that no message waits for a write to each of a thousand readers. */
const steps = 20;

/**
 * Goes round the readers who want to know how far they have come while nothing is for them. There is one timer for all of
 * a feed, and most readers are at its newest message, so that what they are told is encoded once.
 */
export class ProgressRounds<T, F extends FeedFilter> {
  readonly #format: FeedFormat<T, F>;
  readonly #roundMs: number;
  readonly #readers = Array.from({ length: steps }, () => new Set<ProgressReader>());
  #size = 0;
  #step = 0;
  #timer: NodeJS.Timeout | undefined;
  #encoded: (PlaceInStream & { message: Buffer }) | undefined;

  constructor(format: FeedFormat<T, F>, roundMs: number) {
    this.#format = format;
    this.#roundMs = roundMs;
  }

  /** Adds a reader; the returned function removes it and may be called twice. */
  add(reader: ProgressReader): () => void {
    const fewest = this.#readers.reduce((few, each) => (each.size < few.size ? each : few));
    fewest.add(reader);
    this.#size++;
    this.#timer ??= setInterval(() => this.#next(), this.#roundMs / steps);
    return () => {
      if (!fewest.delete(reader)) return;
      this.#size--;
      if (this.#size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #next(): void {
    this.#step = (this.#step + 1) % steps;
    for (const reader of this.#readers[this.#step]!) reader.tellProgress((place) => this.#encode(place));
  }

  #encode({ identity, position }: PlaceInStream): Buffer {
    const last = this.#encoded;
    if (
      last?.position.sequence === position.sequence &&
      last.position.time === position.time &&
      last.identity.equals(identity)
    )
      return last.message;
    const cursor = encodeCursor(this.#format.kind, identity, position);
    const message = Buffer.from(this.#format.encodeProgress(cursor));
    this.#encoded = { identity, position, message };
    return message;
  }
}
