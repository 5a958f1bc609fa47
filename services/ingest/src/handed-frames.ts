import {
  DropReason,
  type FrameHandle,
  parseFrameId,
  streams,
  subjects,
  tokenAckWaitMs,
} from "@sightline/contracts";
import type { Logger, Nats, ServerClock } from "@sightline/service";
import type { WaitingFrame } from "./frame-queue.ts";
import type { Ledger } from "./ledger.ts";
import { lookEvery } from "./look-every.ts";

/** A worker publishes nothing about a frame later than tokenAckWaitMs after it got it; the rest is for transmission. */
const outcomeMs = tokenAckWaitMs + 2_000;
const checkMs = 500;
/** More than the clock of the NATS server may be off. */
const clockMarginMs = 2_000;

interface Handed {
  frame: WaitingFrame;
  /** Where the worker reads the pixels; undefined when it got them as bytes. */
  handle: FrameHandle | undefined;
  /** By performance.now(). */
  handedAt: number;
  since: number;
}

/**
 * Frames that workers have, until their outcome is known. If the worker is silent, the frame is looked up in the stream of
 * detections before it is called lost, so that the account agrees with the stream.
 */
export class HandedFrames {
  readonly #nats: Nats;
  readonly #clock: Pick<ServerClock, "at">;
  readonly #camera: string;
  readonly #epoch: string;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #frames = new Map<number, Handed>();
  readonly #inferred: () => void;
  readonly #free: (handle: FrameHandle) => void;
  readonly #endLooks: () => void;
  #looking = false;

  /** `inferred` is called for each frame that was inferred, `free` for memory that no worker reads any more. */
  constructor(
    nats: Nats,
    clock: Pick<ServerClock, "at">,
    camera: string,
    epoch: string,
    ledger: Ledger,
    inferred: () => void,
    free: (handle: FrameHandle) => void,
    log: Logger,
  ) {
    this.#nats = nats;
    this.#clock = clock;
    this.#camera = camera;
    this.#epoch = epoch;
    this.#ledger = ledger;
    this.#inferred = inferred;
    this.#free = free;
    this.#log = log;
    this.#endLooks = lookEvery(checkMs, () => void this.#settleOverdue());
  }

  /** A worker gets this frame now, as bytes or by handle. */
  add(frame: WaitingFrame, handle: FrameHandle | undefined): void {
    const now = performance.now();
    this.#frames.set(frame.metadata.number, { frame, handle, handedAt: now, since: now });
  }

  /** Whether a worker has this frame. */
  has(number: number): boolean {
    return this.#frames.has(number);
  }

  /** The detections of this frame have been published. */
  infer(frameId: string): void {
    const id = parseFrameId(frameId);
    if (!id || id.camera !== this.#camera || id.epoch !== this.#epoch || !this.#frames.has(id.number)) return;
    if (this.#ledger.infer(id.number)) this.#inferred();
    this.#settle(id.number);
  }

  /** A worker reports that it will not infer this frame. */
  drop(epoch: string, number: number, reason: DropReason): void {
    if (epoch !== this.#epoch || !this.#frames.has(number)) return;
    this.#ledger.drop(number, reason);
    this.#settle(number);
  }

  /** The connection to NATS was lost, and every worker with it: their time starts again. */
  restartClock(): void {
    const now = performance.now();
    for (const frame of this.#frames.values()) frame.since = now;
  }

  async stop(): Promise<void> {
    this.#endLooks();
    for (const { handle } of this.#frames.values()) if (handle) this.#free(handle);
    this.#frames.clear();
  }

  /** A worker that has answered for a frame has read it, so the frame's memory is free. */
  #settle(number: number): void {
    const handed = this.#frames.get(number);
    if (!handed || !this.#frames.delete(number)) return;
    if (handed.handle) this.#free(handed.handle);
    else handed.frame.buffers.give(handed.frame.message);
  }

  async #settleOverdue(): Promise<void> {
    const oldest = performance.now() - outcomeMs;
    const overdue = [...this.#frames].filter(([, frame]) => frame.since < oldest);
    const [first] = overdue;
    if (!first || this.#looking || !this.#nats.connected()) return;
    this.#looking = true;
    try {
      for (const id of await this.#published(new Date(this.#clock.at(first[1].handedAt) - clockMarginMs)))
        this.infer(id);
      for (const [number] of overdue) {
        this.#ledger.drop(number, DropReason.WORKER_LOST);
        // Its buffer is left to the garbage collector, because NATS may not have sent it yet. A worker that is only slow
        // and reads the shared memory after this notices it.
        const handle = this.#frames.get(number)?.handle;
        if (handle) this.#free(handle);
        this.#frames.delete(number);
      }
    } catch (error) {
      this.#log.debug({ err: error }, "the outcome of frames could not be looked up yet; trying again");
    } finally {
      this.#looking = false;
    }
  }

  /** Message ids of this camera's detections in the stream now that were stored at `since` or later. */
  async #published(since: Date): Promise<string[]> {
    const { manager, jetstream } = this.#nats;
    const filter = subjects.detections(this.#camera);
    const last = await manager.streams.getMessage(streams.detections, { last_by_subj: filter });
    if (!last || last.time < since) return [];
    const consumer = await jetstream.consumers.get(streams.detections, {
      filter_subjects: filter,
      opt_start_time: since.toISOString(),
      deliver_policy: "by_start_time",
      headers_only: true,
    });
    const ids: string[] = [];
    const messages = await consumer.consume({ max_messages: 500 });
    const limit = setTimeout(() => messages.stop(), 5_000);
    try {
      for await (const message of messages) {
        ids.push(message.headers?.get("Nats-Msg-Id") ?? "");
        if (message.seq >= last.seq) return ids;
      }
    } finally {
      clearTimeout(limit);
      messages.stop();
      await consumer.delete().catch(() => undefined);
    }
    throw new Error("the stream of detections did not answer in time");
  }
}
