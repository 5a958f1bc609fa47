import type { Gap } from "@sightline/contracts";
import type { StreamPlace } from "@sightline/service";
import { type CursorKind, encodeCursor, type StreamIdentity } from "./cursor.ts";

/** Indices of the parts of a message that a subscriber wants; "all" when it wants every one. */
export type Selection = readonly number[] | "all";

/** What a subscriber wants. */
export interface FeedFilter {
  /** Equal for filters that let the same through. */
  key: string;
  /** Id of the camera when only one is wanted. */
  onlyCamera: string | undefined;
  /** Whether there may be cameras that are kept from whoever asks: sums of all are then not told. */
  scoped: boolean;
}

/** What a feed carries, and the form in which subscribers get it. */
export interface FeedFormat<T, F extends FeedFilter> {
  kind: CursorKind;
  stream: string;
  /** Subject of all of a camera's messages. */
  subjectOf(camera: string): string;
  /** Undefined for a message that is not for subscribers. @throws for one that cannot be read */
  decode(subject: string, data: Uint8Array): T | undefined;
  /** What of a message a subscriber gets; undefined when it gets nothing of it. */
  select(filter: F, message: T): Selection | undefined;
  encode(message: T, selection: Selection, cursor: string): Uint8Array;
  encodeGap(gap: Gap, cursor: string): Uint8Array;
  encodeProgress(cursor: string): Uint8Array;
}

/** The same for selections of the same parts. */
export function selectionKey(selection: Selection): string {
  return selection === "all" ? selection : selection.join();
}

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
