import type { JsMsg } from "@nats-io/jetstream";
import { GapReason, toTimestamp } from "@sightline/contracts";
import { placeAfter, type StreamPlace, unknownTime } from "@sightline/service";
import { encodeCursor, type StreamIdentity } from "./cursor.ts";
import type { Feed } from "./feed.ts";
import { FeedEntry, type FeedFilter } from "./feed-format.ts";
import type { StreamStart } from "./start-position.ts";
import type { StoredMessages, StoredRange, StreamState } from "./stored-messages.ts";

const firstBatch = 16;
const maxBatch = 256;
/** About how many bytes are read at a time. */
const batchBytes = 256 * 1024;

/**
 * Reads what one subscriber has to get from JetStream, because the feed does not have it in memory (any more), until
 * it has. What is gone for good is told as a gap in its place.
 */
export class CatchUp<T, F extends FeedFilter> {
  readonly #feed: Feed<T, F>;
  readonly #stored: StoredMessages;
  readonly #filter: F;
  readonly #subject: string | undefined;
  #start: StreamStart | undefined;
  #range: StoredRange | undefined;
  /** All up to here is in the range, or was read before. */
  #rangeEnd: StreamPlace;
  #batch = firstBatch;
  #identity: StreamIdentity;
  #position: StreamPlace;
  /** Whether what is before the position may be lost. */
  #doubtful = true;
  /** What comes next, encoded. It outlives a failure, so that a gap is told. */
  readonly #untold: Buffer[] = [];

  /** `start` says where to begin the first time; otherwise it is after `position` of the stream `identity`. */
  constructor(
    feed: Feed<T, F>,
    stored: StoredMessages,
    filter: F,
    identity: StreamIdentity,
    position: StreamPlace,
    start: StreamStart | undefined,
  ) {
    this.#feed = feed;
    this.#stored = stored;
    this.#filter = filter;
    this.#subject = filter.onlyCamera && feed.format.subjectOf(filter.onlyCamera);
    this.#identity = identity;
    this.#position = position;
    this.#rangeEnd = position;
    this.#start = start;
  }

  /** The stream that is read now. */
  get identity(): StreamIdentity {
    return this.#identity;
  }

  /** All up to here has been read. */
  get position(): StreamPlace {
    return this.#position;
  }

  /** Whether the position is where to go on; otherwise that is settled when more is read. */
  get settled(): boolean {
    return this.#start === undefined && !this.#doubtful;
  }

  /** What is before the position may be lost. */
  doubt(): void {
    this.#doubtful = true;
  }

  /** What comes next, encoded; nothing when the end has been reached. @throws when NATS is away; then try again */
  async next(): Promise<Buffer[]> {
    return this.#stored.inTurn(async () => {
      try {
        const state = await this.#stored.state();
        await this.#findPosition(state);
        if (this.#position.sequence < state.last) await this.#read(state);
        return this.#untold.splice(0);
      } catch (error) {
        this.close();
        this.doubt();
        throw error;
      }
    });
  }

  close(): void {
    this.#range?.close();
    this.#range = undefined;
  }

  /** Settles where to begin, and tells of what is gone. */
  async #findPosition(state: StreamState): Promise<void> {
    const start = this.#start;
    if (start?.from === "beginning" || start?.from === "time") {
      const since = start.from === "time" ? await this.#stored.before(start.time) : state.beginning;
      this.#start = undefined;
      this.#doubtful = false;
      this.#move(state.identity, since.sequence > state.beginning.sequence ? since : state.beginning);
      const tooOld = start.from === "time" && state.first > 1 && start.time < (state.firstTime ?? 0);
      if (tooOld) this.#tellGap(state, GapReason.EXPIRED, 0);
      return;
    }
    const { sequence, time } = this.#position;
    // Of a cursor without a time, from beyond the end, nothing tells what its owner knows.
    const unknown = start?.from === "cursor" && time === unknownTime && sequence > state.last;
    if (!this.#identity.equals(state.identity) || unknown) {
      this.#doubtful = false;
      this.#move(state.identity, state.beginning);
      this.#tellGap(state, GapReason.STREAM_RESET, 0);
    } else if (this.#doubtful) {
      this.#doubtful = false;
      const left = await this.#stored.loss(this.#position);
      if (left) {
        this.#move(state.identity, left);
        this.#tellGap(state, GapReason.STREAM_RESET, 0);
      }
    }
    this.#start = undefined;
    if (this.#position.sequence < state.beginning.sequence) this.#tellExpired(state);
  }

  async #read(state: StreamState): Promise<void> {
    if (!this.#range) {
      this.#range = this.#stored.after(this.#position.sequence, this.#subject);
      this.#rangeEnd = state.end;
    }
    const messages = await this.#range.read(this.#batch);
    const [first] = messages;
    if (first && this.#subject === undefined && first.seq > this.#position.sequence + 1) {
      // Removed by someone, or expired since the state was asked for?
      const now = await this.#stored.state();
      if (now.identity.equals(this.#identity) && now.first > this.#position.sequence + 1)
        this.#tellExpired({
          ...now,
          beginning: { sequence: first.seq - 1, time: first.timestampNanos - 1n },
        });
    }
    let bytes = 0;
    for (const message of messages) {
      bytes += message.data.byteLength;
      const one = this.#encode(message);
      if (one) this.#untold.push(one);
      this.#position = placeAfter(message);
    }
    if ((messages.at(-1)?.info.pending ?? 0) === 0) {
      if (this.#rangeEnd.sequence > this.#position.sequence) this.#position = this.#rangeEnd;
      this.close();
    }
    if (bytes > 0)
      this.#batch = Math.max(1, Math.min(maxBatch, Math.floor((batchBytes * messages.length) / bytes)));
  }

  #encode(stored: JsMsg): Buffer | undefined {
    try {
      const { format } = this.#feed;
      const message = format.decode(stored.subject, stored.data);
      return new FeedEntry(this.#identity, placeAfter(stored), message, 0).encodedFor(format, this.#filter);
    } catch {
      // It was logged and counted when the feed came to it.
      return undefined;
    }
  }

  #move(identity: StreamIdentity, position: StreamPlace): void {
    this.close();
    this.#identity = identity;
    this.#position = position;
  }

  #tellExpired(state: StreamState): void {
    const messages = state.beginning.sequence - this.#position.sequence;
    this.#move(state.identity, state.beginning);
    this.#tellGap(state, GapReason.EXPIRED, messages);
  }

  #tellGap({ firstTime }: StreamState, reason: GapReason, lost: number): void {
    const { format } = this.#feed;
    const messages = this.#filter.scoped ? 0 : lost;
    const firstAvailableTime = firstTime === undefined ? undefined : toTimestamp(firstTime);
    const cursor = encodeCursor(format.kind, this.#identity, this.#position);
    this.#untold.push(
      Buffer.from(format.encodeGap({ reason, messages, firstAvailableTime, camera: "" }, cursor)),
    );
  }
}
