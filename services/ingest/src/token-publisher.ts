import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import {
  decodeJson,
  encodeJson,
  type FrameToken,
  formatFrameId,
  readyConsumer,
  streams,
  subjects,
  tokenAckWaitMs,
  tokenSchema,
} from "@sightline/contracts";
import { findConsumer, type Logger, type Nats } from "@sightline/service";
import type { FrameQueue } from "./frame-queue.ts";
import { lookEvery } from "./look-every.ts";

/** An answer of NATS is used for this long. */
const freshMs = 200;

/**
 * The newest token that workers have received, by model. NATS is asked once for all cameras of a process, and only on
 * demand.
 */
export class DeliveredTokens {
  readonly #manager: JetStreamManager;
  readonly #looks = new Map<string, { at: number; sequence: Promise<number> }>();

  constructor(manager: JetStreamManager) {
    this.#manager = manager;
  }

  /**
   * Sequence, in the stream of tokens, of the newest token that a worker of this model was given; 0 when there is none.
   * @throws when NATS does not answer
   */
  upTo(model: string): Promise<number> {
    const known = this.#looks.get(model);
    if (known && performance.now() - known.at < freshMs) return known.sequence;
    const sequence = this.#ask(model);
    this.#looks.set(model, { at: performance.now(), sequence });
    return sequence;
  }

  async #ask(model: string): Promise<number> {
    const consumer = await findConsumer(this.#manager, streams.ready, readyConsumer(model).durable_name);
    return consumer?.delivered.stream_seq ?? 0;
  }
}

const retryMs = 250;
/**
 * A message published to a leader that has died is never confirmed; published again, it is, once there is a new leader. The
 * stream recognizes the repetition.
 */
const attemptMs = 1_000;
const lookMs = 250;
/** A token that has been out for this long may be with a worker that died or hangs. */
const slowMs = 300;
/**
 * A worker requests the frame as soon as it has the token; one that has not done so after this long will not do so soon.
 */
const unusedMs = 750;
/** A token that has been out for this long may have been lost. */
const suspectMs = 5_000;
/** A token that was delivered is used, or delivered again, long before this. */
const overdueMs = 3 * tokenAckWaitMs;

/**
 * Puts a camera's tokens into the work queue, and detects when one was lost or is with a worker that does not use it: NATS
 * would give it to another worker only after tokenAckWaitMs.
 */
export class TokenPublisher {
  readonly #nats: Nats;
  readonly #camera: string;
  readonly #epoch: string;
  readonly #log: Logger;
  readonly #delivered: Pick<DeliveredTokens, "upTo">;
  readonly #endLooks: () => void;
  /**
   * For each token that is out: its sequence in the stream, and since when (performance.now()) it is known that a worker
   * has it.
   */
  readonly #stored = new Map<number, { sequence: number; deliveredAt?: number }>();
  #looking = false;
  #queue: FrameQueue | undefined;
  #model: string;
  #checkedAt = 0;
  #checking = false;
  #stopped = false;

  constructor(
    nats: Nats,
    delivered: Pick<DeliveredTokens, "upTo">,
    camera: string,
    epoch: string,
    model: string,
    log: Logger,
  ) {
    this.#nats = nats;
    this.#delivered = delivered;
    this.#camera = camera;
    this.#epoch = epoch;
    this.#model = model;
    this.#log = log;
    this.#endLooks = lookEvery(lookMs, () => {
      this.#checkOld();
      void this.#findUnused();
    });
  }

  /** Sets the queue that these tokens belong to. */
  attach(queue: FrameQueue): void {
    this.#queue = queue;
  }

  /** The next tokens are for the workers of this model. */
  useModel(model: string): void {
    this.#model = model;
  }

  /** Publishes a token, and repeats this until the stream has it or it is void. */
  async offer(id: number): Promise<void> {
    const token: FrameToken = { camera: this.#camera, epoch: this.#epoch, id };
    const subject = subjects.ready(this.#model, this.#camera);
    const msgID = `token:${formatFrameId({ camera: this.#camera, epoch: this.#epoch, number: id })}`;
    while (!this.#stopped && this.#queue?.isOut(id)) {
      const failure = await new Promise<Error | undefined>((resolve) =>
        this.#nats.publisher.publish(
          subject,
          encodeJson(token),
          { msgID, timeoutMs: attemptMs },
          (error, sequence) => {
            if (sequence !== undefined) this.#stored.set(id, { sequence });
            resolve(error);
          },
        ),
      );
      if (!failure) return;
      this.#log.debug({ err: failure }, "a token could not be published yet; trying again");
      await delay(retryMs);
    }
  }

  /** The connection to NATS is back: a token may have been lost meanwhile. */
  async check(): Promise<void> {
    const queue = this.#queue;
    const out = queue?.out;
    if (!queue || !out || this.#checking || this.#stopped) return;
    this.#checking = true;
    this.#checkedAt = performance.now();
    try {
      if (!(await this.#canCome(out))) queue.tokenLost(out.token);
    } catch (error) {
      this.#log.debug({ err: error }, "a token could not be looked up yet; trying again");
    } finally {
      this.#checking = false;
    }
  }

  #checkOld(): void {
    const out = this.#queue?.out;
    if (out && performance.now() - Math.max(out.since, this.#checkedAt) > suspectMs) void this.check();
  }

  /** Looks for tokens that a worker has received and does not use. */
  async #findUnused(): Promise<void> {
    const queue = this.#queue;
    for (const token of this.#stored.keys()) if (!queue?.isOut(token)) this.#stored.delete(token);
    const now = performance.now();
    const slow = queue?.allOut.filter(({ since }) => now - since > slowMs) ?? [];
    if (!queue || slow.length === 0 || this.#looking || this.#stopped || !this.#nats.connected()) return;
    this.#looking = true;
    try {
      const delivered = await this.#delivered.upTo(this.#model);
      for (const { token } of slow) {
        const stored = this.#stored.get(token);
        if (!stored || stored.sequence > delivered) continue;
        stored.deliveredAt ??= now;
        if (now - stored.deliveredAt < unusedMs) continue;
        this.#log.debug({ token }, "a worker does not use its token; another token is offered");
        queue.tokenUnused(token);
      }
    } catch (error) {
      this.#log.debug({ err: error }, "cannot find out which tokens workers have; trying again");
    } finally {
      this.#looking = false;
    }
  }

  /**
   * Whether the token waits in the stream for a worker, or for a worker to finish with it. A token that the consumer has
   * passed over never comes: NATS lost its newest messages, and gave this token the sequence of one that was already
   * delivered.
   */
  async #canCome({ token: id, since }: { token: number; since: number }): Promise<boolean> {
    const { manager } = this.#nats;
    const message = await this.#find(id);
    if (!message) return false;
    const consumer = await findConsumer(manager, streams.ready, readyConsumer(this.#model).durable_name);
    const { ack_floor: done, delivered } = consumer ?? {};
    const passed = message.seq <= (done?.stream_seq ?? 0);
    const overdue = performance.now() - since > overdueMs && message.seq <= (delivered?.stream_seq ?? 0);
    if (!passed && !overdue) return true;
    this.#nats.setBacks.note(streams.ready);
    this.#log.warn("the workers' consumer skipped a token; another token is offered");
    await manager.streams.deleteMessage(streams.ready, message.seq, false);
    return false;
  }

  /** Finds the token in the stream, among the camera's other tokens. */
  async #find(id: number): Promise<StoredMsg | undefined> {
    for (let seq = 1; ; ) {
      const next = { seq, next_by_subj: subjects.ready(this.#model, this.#camera) };
      const message = await this.#nats.manager.streams.getMessage(streams.ready, next);
      if (!message) return undefined;
      const token = decodeJson(tokenSchema, message.data);
      if (token.epoch === this.#epoch && token.id === id) return message;
      seq = message.seq + 1;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endLooks();
  }
}
