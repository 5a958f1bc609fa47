import { setTimeout as delay } from "node:timers/promises";
import { DropReason } from "@sightline/contracts";
import type { Logger, Nats, ServerClock, Tracing } from "@sightline/service";
import { CameraSubjects } from "./camera-subjects.ts";
import { FrameQueue, type WaitingFrame } from "./frame-queue.ts";
import type { FrameSharing } from "./frame-sharing.ts";
import { HandedFrames } from "./handed-frames.ts";
import { Ledger } from "./ledger.ts";
import type { PictureSubject } from "./pictures/picture-subject.ts";
import type { SharePlan } from "./shares/share-plan.ts";
import { type DeliveredTokens, TokenPublisher } from "./token-publisher.ts";

/** When another process continues with the camera, the outcome of frames is waited for this long. */
const settleMs = 300;
const settleStepMs = 5;

/** What all cameras of a process need to offer their frames to workers. */
export interface OfferContext {
  nats: Nats;
  serverClock: ServerClock;
  sharing: FrameSharing;
  delivered: DeliveredTokens;
  shares: SharePlan;
  tracing: Tracing;
  /** Whether this process certainly holds its cameras. If not, another one may have taken them. */
  isSure: () => boolean;
}

/** One epoch of a camera: what identifies its frames. */
export interface CameraEpoch {
  camera: string;
  epoch: string;
}

/**
 * The frames of one epoch on their way to workers: the newest frame waits, a token in the queue of the camera's model
 * announces it, a worker requests it, and the ledger records its outcome. Until `begin` no frame is counted and none is
 * given out.
 */
export class OfferedFrames {
  readonly ledger = new Ledger();
  readonly #of: CameraEpoch;
  readonly #context: OfferContext;
  readonly #log: Logger;
  readonly #queue: FrameQueue;
  readonly #tokens: TokenPublisher;
  readonly #handed: HandedFrames;
  #model: string;
  #subjects: CameraSubjects | undefined;

  /** `inferred` is called for each frame that was inferred. */
  constructor(of: CameraEpoch, model: string, context: OfferContext, inferred: () => void, log: Logger) {
    const { camera, epoch } = of;
    const { nats, delivered, shares, sharing, serverClock } = context;
    this.#of = of;
    this.#model = model;
    this.#context = context;
    this.#log = log;
    this.#tokens = new TokenPublisher(nats, delivered, camera, epoch, model, log);
    const turns = shares.turnsOf(camera, () => this.#model);
    this.#queue = new FrameQueue(this.ledger, (token) => void this.#tokens.offer(token), turns);
    this.#tokens.attach(this.#queue);
    this.#handed = new HandedFrames(
      nats,
      serverClock,
      camera,
      epoch,
      this.ledger,
      inferred,
      (handle) => sharing.free(handle),
      log,
    );
    this.ledger.count(false);
  }

  /** Frames that arrive from now on are counted, and workers get them; `pictures` receives those that they get. */
  begin(pictures: PictureSubject): void {
    const { nats, sharing, tracing, isSure } = this.#context;
    const parts = { queue: this.#queue, handed: this.#handed, pictures, sharing, tracing, isSure };
    this.#subjects = new CameraSubjects(nats, { ...this.#of, ...parts }, this.#log);
    this.ledger.count(true);
  }

  /** A frame is in memory: it replaces the one that waits. */
  put(frame: WaitingFrame): void {
    this.#queue.put(frame);
  }

  /** Drops the waiting frame; tokens that are out bring no frame any more. */
  clear(): void {
    this.#queue.clear();
  }

  /** The next frames are for the workers of this model. */
  useModel(model: string): void {
    this.#model = model;
    this.#queue.clear();
    this.#tokens.useModel(model);
  }

  /** The connection to NATS was lost and is back. */
  natsReturned(): void {
    this.#handed.restartClock();
    void this.#tokens.check();
  }

  /** No further frame is counted. Waits a moment for the outcome of the counted ones. */
  async settle(): Promise<void> {
    this.ledger.count(false);
    for (let waited = 0; waited < settleMs && this.ledger.inFlight > 0; waited += settleStepMs)
      await delay(settleStepMs);
  }

  /** Workers get no more frames; frames that no worker has are dropped. */
  end(): void {
    this.ledger.count(false);
    this.#queue.clear();
    this.ledger.dropRest(DropReason.CAMERA_STOPPED, (number) => this.#handed.has(number));
    this.#subjects?.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#tokens.stop(), this.#handed.stop()]);
  }
}
