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
/** About how many bytes to read at a time. */
const batchBytes = 256 * 1024;

/**
 * Reads from JetStream what one subscriber needs and the feed does not have in memory, until the feed has it. What is lost for good is
 * reported as a gap in its place.
 */
export class CatchUp<T, F extends FeedFilter> {
  readonly #feed: Feed<T, F>;
  readonly #stored: StoredMessages;
  readonly #filter: F;
  readonly #subject: string | undefined;
  #start: StreamStart | undefined;
  #range: StoredRange | undefined;
  /** Everything up to here is in the range, or was read before. */
  #rangeEnd: StreamPlace;
  #batch = firstBatch;
  #identity: StreamIdentity;
  #position: StreamPlace;
  /** Whether messages before the position may be lost. */
  #doubtful = true;
  /** Encoded messages to send next. They survive a failure, so that a gap is reported. */
  readonly #untold: Buffer[] = [];

  /** `start` says where to begin the first time; otherwise after `position` in the stream `identity`. */
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

  /** The stream being read. */
  get identity(): StreamIdentity {
    return this.#identity;
  }

  /** Everything up to here has been read. */
  get position(): StreamPlace {
    return this.#position;
  }

  /** Whether reading can continue from the position; if not, the next read settles it. */
  get settled(): boolean {
    return this.#start === undefined && !this.#doubtful;
  }

  /** Messages before the position may be lost. */
  doubt(): void {
    this.#doubtful = true;
  }

  /** The next messages, encoded; empty at the end. @throws when NATS is away; then try again */
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

  /** Settles where to begin, and reports what is lost. */
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
    // For a cursor without a time, beyond the stream's end, nothing tells what its owner has received.
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
      // Removed by someone, or expired since the state was read?
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
      // The feed has already logged and counted it.
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
