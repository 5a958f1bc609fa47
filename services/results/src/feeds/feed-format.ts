import type { Gap } from "@sightline/contracts";
import type { StreamPlace } from "@sightline/service";
import { type CursorKind, encodeCursor, type StreamIdentity } from "./cursor.ts";

/** Indices of the parts of a message that a subscriber wants; "all" when it wants every one. */
export type Selection = readonly number[] | "all";

/** What a subscriber wants. */
export interface FeedFilter {
  /** Equal for filters that select the same. */
  key: string;
  /** Id of the camera, if only one is wanted. */
  onlyCamera: string | undefined;
  /** Whether some cameras may be hidden from the caller: then totals over all cameras are not sent. */
  scoped: boolean;
}

/** The content of a feed, and the form in which subscribers get it. */
export interface FeedFormat<T, F extends FeedFilter> {
  kind: CursorKind;
  stream: string;
  /** Subject of all of a camera's messages. */
  subjectOf(camera: string): string;
  /** Undefined for a message that subscribers do not get. @throws when it cannot be read */
  decode(subject: string, data: Uint8Array): T | undefined;
  /** The part of a message that a subscriber gets; undefined when it gets nothing of it. */
  select(filter: F, message: T): Selection | undefined;
  encode(message: T, selection: Selection, cursor: string): Uint8Array;
  encodeGap(gap: Gap, cursor: string): Uint8Array;
  encodeProgress(cursor: string): Uint8Array;
}

/** Equal for selections of the same parts. */
export function selectionKey(selection: Selection): string {
  return selection === "all" ? selection : selection.join();
}

/** About how much larger a decoded message is in memory than on the wire. */
const decodedFactor = 6;
const emptyBytes = 200;

/** A message of a stream in memory, with every form in which it was sent: one encoding serves all subscribers who want the same. */
export class FeedEntry<T> {
  /** The place after it. */
  readonly place: StreamPlace;
  /** Undefined when subscribers do not get it. */
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

  /** Approximate memory use. It grows with each encoded form. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What a subscriber with this filter gets; undefined when it gets nothing of the message. */
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
