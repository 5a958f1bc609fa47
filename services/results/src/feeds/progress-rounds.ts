import type { StreamPlace } from "@sightline/service";
import { encodeCursor, type StreamIdentity } from "./cursor.ts";
import type { FeedFilter, FeedFormat } from "./feed-format.ts";

/** A place, and the stream that it is in. */
export interface PlaceInStream {
  identity: StreamIdentity;
  position: StreamPlace;
}

/** Gets its progress unless messages already show it. */
export interface ProgressReader {
  /** Called once per round; `encode` returns the message for a place. */
  tellProgress(encode: (place: PlaceInStream) => Buffer): void;
}

/** Default duration of a round. */
export const defaultRoundMs = 5_000;
/** A round is done in this many steps, so that no message waits until a thousand readers have been written to. */
const steps = 20;

/**
 * Regularly sends their progress to readers that want it while there are no messages for them. A feed has one timer for all of them. Most
 * readers are at its newest message, so their progress is encoded once.
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
