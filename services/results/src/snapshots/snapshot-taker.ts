import { setTimeout as delay } from "node:timers/promises";
import type { AnnotatedBox } from "@sightline/annotate";
import { type Event, EventPhase, parseEventName } from "@sightline/contracts";
import type { Logger } from "@sightline/service";
import { type Picture, type PictureClient, PictureError } from "../pictures/picture-client.ts";
import { annotatedBox } from "./annotate-jpeg.ts";
import type { RecentDetections } from "./recent-detections.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

const quality = 85;
const mostRunning = 4;
const mostWaiting = 512;
/** Events whose last picture is remembered. */
const mostRemembered = 10_000;
/** Waits before each further attempt: a frame is in ingest's memory for about two seconds. */
const retryMs = [50, 150, 400];

/** Why an event has no picture. */
export type SnapshotFailure = "busy" | "gone" | "unreachable" | "failed" | "not_stored";

interface Job {
  key: string;
  camera: string;
  epoch: string;
  number: number;
  boxes: AnnotatedBox[];
  /** The event was begun by another process, so the store may have this picture. */
  mayBeStored: boolean;
}

/**
 * Takes the pictures of events: asks ingest for the frame that an event names and stores it. A picture that cannot be
 * had is counted and left out. What is offered returns at once.
 */
export class SnapshotTaker {
  readonly #pictures: PictureClient;
  readonly #store: SnapshotStore;
  readonly #detections: RecentDetections;
  readonly #observe: (failure: SnapshotFailure | undefined) => void;
  readonly #log: Logger;
  /** Event → the frame that was last taken for it, in the order in which they began. */
  readonly #taken = new Map<string, string>();
  /** Event → what is to be taken for it; a newer one replaces it. */
  readonly #waiting = new Map<string, Job>();
  readonly #running = new Map<string, Promise<void>>();
  #stopped = false;

  /** `observe` is told of each picture: stored, or why not. */
  constructor(
    pictures: PictureClient,
    store: SnapshotStore,
    detections: RecentDetections,
    observe: (failure: SnapshotFailure | undefined) => void,
    log: Logger,
  ) {
    this.#pictures = pictures;
    this.#store = store;
    this.#detections = detections;
    this.#observe = observe;
    this.#log = log;
  }

  /** Takes an event's picture if it names a frame that it did not name before. To be called in the order of its phases. */
  offer(event: Event): void {
    const { snapshotFrame: frame, phase } = event;
    const parts = parseEventName(event.name);
    if (!parts || !frame || this.#stopped) return;
    const key = `${parts.camera}/${parts.id}`;
    const last = this.#taken.get(key);
    const isOver = phase === EventPhase.END || phase === EventPhase.ONCE;
    if (isOver) this.#taken.delete(key);
    const { epoch, number } = frame;
    if (last === frameKey(epoch, number)) return;
    if (!isOver) this.#remember(key, frameKey(epoch, number));
    if (this.#waiting.size >= mostWaiting && !this.#waiting.has(key)) {
      this.#observe("busy");
      return;
    }
    const begins = phase === EventPhase.START || phase === EventPhase.ONCE;
    const boxes = this.#boxes(event, parts.camera, epoch, number);
    const mayBeStored = last === undefined && !begins;
    this.#waiting.set(key, { key, camera: parts.camera, epoch, number, boxes, mayBeStored });
    this.#startMore();
  }

  /** Takes no more; those under way are finished. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #remember(key: string, frame: string): void {
    this.#taken.set(key, frame);
    if (this.#taken.size <= mostRemembered) return;
    for (const oldest of this.#taken.keys()) {
      this.#taken.delete(oldest);
      break;
    }
  }

  /** The object as it is in this frame; every object of the frame when the event is about none. */
  #boxes(event: Event, camera: string, epoch: string, number: number): AnnotatedBox[] {
    const { track, frame } = event;
    if (track && frame?.epoch === epoch && frame.number === number) return annotatedBox(track, track.id);
    const found = this.#detections.find(camera, epoch, number)?.detections ?? [];
    return found
      .filter(({ trackId }) => (track ? trackId === track.id : trackId !== ""))
      .flatMap((each) => annotatedBox(each, each.trackId));
  }

  #startMore(): void {
    for (const [key, job] of this.#waiting) {
      if (this.#running.size >= mostRunning) return;
      // One picture of an event after another, lest the older be stored last.
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      const run = this.#take(job).then(() => {
        this.#running.delete(key);
        this.#startMore();
      });
      this.#running.set(key, run);
    }
  }

  async #take(job: Job): Promise<void> {
    try {
      if (job.mayBeStored && (await this.#isStored(job))) return;
      const { jpeg, ...picture } = await this.#picture(job);
      const { epoch, number, captureTimeMs, ptsUs, width, height } = picture;
      const details = { epoch, number, captureTimeMs, ptsUs, width, height, boxes: job.boxes };
      await this.#store.put(job.key, jpeg, details);
      this.#observe(undefined);
    } catch (error) {
      const failure = failureOf(error);
      this.#log.debug(
        { event: job.key, failure, error: (error as Error).message },
        "an event has no picture",
      );
      this.#observe(failure);
    }
  }

  async #picture({ camera, epoch, number }: Job): Promise<Picture> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#pictures.get(camera, { epoch, number, quality });
      } catch (error) {
        const wait = retryMs[attempt];
        const passes = error instanceof PictureError && ["busy", "unreachable"].includes(error.reason);
        if (!passes || wait === undefined || this.#stopped) throw error;
        await delay(wait);
      }
    }
  }

  async #isStored({ key, epoch, number }: Job): Promise<boolean> {
    const details = await this.#store.details(key);
    return details?.epoch === epoch && details.number === number;
  }
}

function frameKey(epoch: string, number: number): string {
  return `${epoch}:${number}`;
}

function failureOf(error: unknown): SnapshotFailure {
  if (!(error instanceof PictureError)) return "not_stored";
  return error.reason === "no_frame" ? "gone" : error.reason;
}
