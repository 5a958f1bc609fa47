import type { JsMsg } from "@nats-io/jetstream";
import { GapReason, toTimestamp } from "@sightline/contracts";
import { encodeCursor, type StreamIdentity } from "./cursor.ts";
import type { Feed } from "./feed.ts";
import { FeedEntry } from "./feed-entry.ts";
import type { FeedFilter } from "./feed-format.ts";
import type { Start } from "./start-position.ts";
import type { StoredMessages, StoredRange, StreamState } from "./stored-messages.ts";

/** Where to begin; `lost`: the server lost all after this sequence, and the subscriber is to be told. */
export type CatchUpStart = Start | { from: "lost"; sequence: number };

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
  #start: CatchUpStart | undefined;
  #range: StoredRange | undefined;
  /** All up to here is in the range, or was read before. */
  #rangeEnd = 0;
  #batch = firstBatch;
  #identity: StreamIdentity;
  #position: number;
  /** What comes next, encoded. It outlives a failure, so that a gap is told. */
  readonly #untold: Buffer[] = [];

  /** `start` says where to begin the first time; otherwise it is after `position` of the stream `identity`. */
  constructor(
    feed: Feed<T, F>,
    stored: StoredMessages,
    filter: F,
    identity: StreamIdentity,
    position: number,
    start: CatchUpStart | undefined,
  ) {
    this.#feed = feed;
    this.#stored = stored;
    this.#filter = filter;
    this.#subject = filter.onlyCamera && feed.format.subjectOf(filter.onlyCamera);
    this.#identity = identity;
    this.#position = position;
    this.#start = start;
  }

  /** The stream that is read now. */
  get identity(): StreamIdentity {
    return this.#identity;
  }

  /** All up to this sequence has been read. */
  get position(): number {
    return this.#position;
  }

  /** Whether the position is where to go on; otherwise that is settled when more is read. */
  get settled(): boolean {
    return this.#start === undefined;
  }

  /** The server lost all after this sequence. */
  lost(sequence: number): void {
    if (this.#start === undefined && this.#position > sequence) this.#start = { from: "lost", sequence };
  }

  /** What comes next, encoded; nothing when the end has been reached. @throws when NATS is away; then try again */
  async next(): Promise<Buffer[]> {
    return this.#stored.inTurn(async () => {
      try {
        const state = await this.#stored.state();
        await this.#findPosition(state);
        if (this.#position < state.last) await this.#read(state);
        return this.#untold.splice(0);
      } catch (error) {
        this.close();
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
      const since = start.from === "time" ? await this.#stored.before(start.time) : state.first - 1;
      this.#start = undefined;
      this.#move(state.identity, Math.max(since, state.first - 1));
      const tooOld = start.from === "time" && state.first > 1 && start.time < (state.firstTime ?? 0);
      if (tooOld) this.#tellGap(state, GapReason.EXPIRED, 0);
      return;
    }
    this.#start = undefined;
    if (!this.#identity.equals(state.identity) || (start?.from === "cursor" && this.#position > state.last)) {
      this.#move(state.identity, state.first - 1);
      this.#tellGap(state, GapReason.STREAM_RESET, 0);
    } else if (start?.from === "lost") {
      this.#move(state.identity, Math.min(state.last, start.sequence));
      this.#tellGap(state, GapReason.STREAM_RESET, 0);
    } else if (this.#position > state.last) {
      // The feed's memory still holds what is lost; `lost` is called when it has noticed.
      throw new Error("the stream is shorter than what was read of it");
    } else if (this.#position + 1 < state.first) this.#tellExpired(state);
  }

  async #read(state: StreamState): Promise<void> {
    if (!this.#range) {
      this.#range = this.#stored.after(this.#position, this.#subject);
      this.#rangeEnd = state.last;
    }
    const messages = await this.#range.read(this.#batch);
    const [first] = messages;
    if (first && this.#subject === undefined && first.seq > this.#position + 1) {
      // Removed by someone, or expired since the state was asked for?
      const now = await this.#stored.state();
      if (now.identity.equals(this.#identity) && now.first > this.#position + 1)
        this.#tellExpired({ ...now, first: first.seq });
    }
    let bytes = 0;
    for (const message of messages) {
      bytes += message.data.byteLength;
      const one = this.#encode(message);
      if (one) this.#untold.push(one);
      this.#position = message.seq;
    }
    if ((messages.at(-1)?.info.pending ?? 0) === 0) {
      this.#position = Math.max(this.#position, this.#rangeEnd);
      this.close();
    }
    if (bytes > 0)
      this.#batch = Math.max(1, Math.min(maxBatch, Math.floor((batchBytes * messages.length) / bytes)));
  }

  #encode({ subject, seq, data, timestampNanos }: JsMsg): Buffer | undefined {
    try {
      const { format } = this.#feed;
      const message = format.decode(subject, data);
      const storedAt = Number(timestampNanos) / 1e6;
      return new FeedEntry(this.#identity, seq, storedAt, message, 0).encodedFor(format, this.#filter);
    } catch {
      // It was logged and counted when the feed came to it.
      return undefined;
    }
  }

  #move(identity: StreamIdentity, position: number): void {
    this.close();
    this.#identity = identity;
    this.#position = position;
  }

  #tellExpired(state: StreamState): void {
    const messages = state.first - 1 - this.#position;
    this.#move(state.identity, state.first - 1);
    this.#tellGap(state, GapReason.EXPIRED, messages);
  }

  #tellGap({ firstTime }: StreamState, reason: GapReason, messages: number): void {
    const { format } = this.#feed;
    const firstAvailableTime = firstTime === undefined ? undefined : toTimestamp(firstTime);
    const cursor = encodeCursor(format.kind, this.#identity, this.#position);
    this.#untold.push(
      Buffer.from(format.encodeGap({ reason, messages, firstAvailableTime, camera: "" }, cursor)),
    );
  }
}
