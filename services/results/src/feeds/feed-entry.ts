import type { StreamPlace } from "@sightline/service";
import { encodeCursor, type StreamIdentity } from "./cursor.ts";
import { type FeedFilter, type FeedFormat, type Selection, selectionKey } from "./feed-format.ts";

/** How much larger a decoded message is in memory than on the wire, roughly. */
const decodedFactor = 6;
const emptyBytes = 200;

/** A message of a stream in memory, with every form in which it has been sent: one encoding serves all who want the same. */
export class FeedEntry<T> {
  /** The place after it. */
  readonly place: StreamPlace;
  /** Undefined when it is not for subscribers. */
  readonly message: T | undefined;
  readonly #identity: StreamIdentity;
  readonly #encoded = new Map<string, Buffer>();
  #bytes: number;

  constructor(identity: StreamIdentity, place: StreamPlace, message: T | undefined, wireBytes: number) {
    this.#identity = identity;
    this.place = place;
    this.message = message;
    this.#bytes = emptyBytes + (message === undefined ? 0 : decodedFactor * wireBytes);
  }

  get sequence(): number {
    return this.place.sequence;
  }

  /** About what it takes in memory. It grows with each form that is asked for. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What a subscriber with this filter is sent; undefined when it wants nothing of it. */
  encodedFor<F extends FeedFilter>(format: FeedFormat<T, F>, filter: F): Buffer | undefined {
    if (this.message === undefined) return undefined;
    const selection = format.select(filter, this.message);
    return selection && this.#encode(format, this.message, selection);
  }

  #encode<F extends FeedFilter>(format: FeedFormat<T, F>, message: T, selection: Selection): Buffer {
    const key = selectionKey(selection);
    const known = this.#encoded.get(key);
    if (known) return known;
    const cursor = encodeCursor(format.kind, this.#identity, this.place);
    const data = format.encode(message, selection, cursor);
    const encoded = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.#encoded.set(key, encoded);
    this.#bytes += encoded.byteLength;
    return encoded;
  }
}
