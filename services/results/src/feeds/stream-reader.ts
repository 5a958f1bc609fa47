import { setTimeout as delay } from "node:timers/promises";
import type { JsMsg, StreamInfo, StreamState } from "@nats-io/jetstream";
import {
  findLoss,
  type Logger,
  type Nats,
  placeAfter,
  type StreamPlace,
  StreamRead,
  streamBeginning,
  streamMaking,
  unknownTime,
  unreadableEnd,
} from "@sightline/service";
import { type StreamIdentity, streamIdentity } from "./cursor.ts";

const retryMs = 250;
/** If nothing was read for this long, check whether the rest can be read at all. */
const stuckMs = 500;

/** Receives what is read. */
export interface StreamReceiver {
  /**
   * Reading begins at a place in the stream `identity`: at first, and whenever the messages that should follow are gone or will never
   * arrive, because they expired unread, the server lost its newest, or the stream was created again.
   */
  begin(identity: StreamIdentity, place: StreamPlace): void;
  /** The next message. `past`: it was in the stream before reading began. */
  message(message: JsMsg, past: boolean): void;
  /** Number of messages in the stream after the one just read. */
  lag(messages: number): void;
}

/**
 * Reads all of a stream, in order. Each results service reads everything, so each keeps its own position here, and continues from it after
 * NATS was away.
 */
export class StreamReader {
  readonly #nats: Nats;
  readonly stream: string;
  readonly #past: number;
  readonly #receiver: StreamReceiver;
  readonly #log: Logger;
  readonly #pastRead = Promise.withResolvers<void>();
  #identity: StreamIdentity | undefined;
  #place: StreamPlace = { sequence: 0, time: unknownTime };
  /** The last message that existed when reading began. */
  #pastEnd: number | undefined;
  #read: StreamRead | undefined;
  #unfollow = () => {};
  #stopped = false;
  #reading = false;
  /** The position at the last check of whether reading makes progress. */
  #lookedAt = -1;

  /** `past`: how many existing messages to begin with. */
  constructor(nats: Nats, stream: string, past: number, receiver: StreamReceiver, log: Logger) {
    this.#nats = nats;
    this.stream = stream;
    this.#past = past;
    this.#receiver = receiver;
    this.#log = log;
  }

  /** Resolves when everything that was in the stream has been read, as far as it can be read. */
  async start(): Promise<void> {
    // A restarted server may have forgotten the consumer; waiting for missed heartbeats would cost seconds.
    this.#unfollow = this.#nats.changes.listen({ back: () => void this.#read?.close() });
    void this.#keepReading();
    const look = setInterval(() => void this.#leaveUnreadable(), stuckMs);
    await this.#pastRead.promise;
    clearInterval(look);
  }

  /** Damaged messages are never delivered. Nothing may wait for them: the stream is repaired only once there is an analysis. */
  async #leaveUnreadable(): Promise<void> {
    const stuck = this.#place.sequence === this.#lookedAt;
    this.#lookedAt = this.#place.sequence;
    if (!stuck || !this.#reading) return;
    const end = await unreadableEnd(this.#nats.manager, this.stream).catch(() => undefined);
    if (end === undefined || this.#place.sequence !== this.#lookedAt) return;
    this.#log.error(
      { stream: this.stream, read: this.#lookedAt, last: end },
      "the newest messages of a stream cannot be read; they are not waited for",
    );
    this.#pastRead.resolve();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unfollow();
    this.#pastRead.resolve();
    await this.#read?.close();
  }

  /** Whether the stream is being read. */
  get reading(): boolean {
    return this.#reading;
  }

  async #keepReading(): Promise<void> {
    while (!this.#stopped && !this.#nats.connection.isClosed()) {
      try {
        await this.#readUntilClosed();
      } catch (error) {
        const details = { stream: this.stream, err: error };
        this.#log.debug(details, "a stream cannot be read yet; trying again");
      }
      this.#reading = false;
      if (!this.#stopped) await delay(retryMs);
    }
  }

  async #readUntilClosed(): Promise<void> {
    await this.#findPlace(await this.#nats.manager.streams.info(this.stream));
    const from = { after: this.#place.sequence };
    const read = await StreamRead.open(this.#nats.jetstream, this.stream, { from, prefetch: 500 });
    this.#read = read;
    if (this.#stopped) return void read.close();
    this.#reading = true;
    // The last messages may have been deleted one by one, or have expired since the stream was checked.
    if (read.pending === 0) this.#pastRead.resolve();
    for await (const message of read) {
      if (this.#stopped) return;
      this.#receive(message);
    }
  }

  /** Compares the stream's content with what has been read of it, and reports when the two do not meet. */
  async #findPlace(info: StreamInfo): Promise<void> {
    const { state } = info;
    const identity = streamIdentity(this.stream, streamMaking(info));
    const before = this.#place;
    const moved = await this.#moved(state, identity);
    if (moved) this.#place = moved;
    if (moved || !this.#identity) {
      if (this.#identity)
        this.#log.warn(
          {
            stream: this.stream,
            read: before.sequence,
            goesOnAfter: this.#place.sequence,
            first: state.first_seq,
            last: state.last_seq,
          },
          "messages of a stream are gone; reading goes on with what is there",
        );
      this.#identity = identity;
      this.#receiver.begin(identity, this.#place);
    }
    this.#pastEnd ??= state.last_seq;
    if (this.#place.sequence >= this.#pastEnd) this.#pastRead.resolve();
  }

  /** Where to continue if not after the last message read; undefined when that place is right. */
  async #moved(state: StreamState, identity: StreamIdentity): Promise<StreamPlace | undefined> {
    const beginning = streamBeginning(state);
    if (!this.#identity) {
      const sequence = state.last_seq - this.#past;
      return sequence > beginning.sequence ? { sequence, time: unknownTime } : beginning;
    }
    if (!this.#identity.equals(identity)) {
      // All messages of the new stream are new.
      this.#pastEnd = 0;
      return beginning;
    }
    const left = await findLoss(this.#nats.manager, this.stream, state, this.#place);
    if (left) this.#nats.setBacks.note(this.stream);
    return left ?? (beginning.sequence > this.#place.sequence ? beginning : undefined);
  }

  #receive(message: JsMsg): void {
    if (message.seq <= this.#place.sequence) return;
    this.#place = placeAfter(message);
    this.#receiver.message(message, message.seq <= (this.#pastEnd ?? 0));
    this.#receiver.lag(message.info.pending);
    if (message.seq >= (this.#pastEnd ?? 0) || message.info.pending === 0) this.#pastRead.resolve();
  }
}
