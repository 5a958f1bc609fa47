import { setTimeout as delay } from "node:timers/promises";
import { type AnnotatedBox, annotatedBox } from "@sightline/annotate";
import { type Event, EventPhase, type FrameReference, parseEventName } from "@sightline/contracts";
import {
  BoundedMap,
  type Logger,
  type Picture,
  type PictureClient,
  PictureError,
  type RecentDetections,
  type SnapshotStore,
} from "@sightline/service";

const quality = 85;
const mostRunning = 4;
const mostWaiting = 512;
/** Number of events whose last picture is remembered. */
const mostRemembered = 10_000;
/** An event is not held up for longer by the picture of an old frame, which ingest has at once or not at all. */
const nowMs = 1_000;
/** Wait before each further attempt: a frame stays in ingest's memory for about two seconds. */
const retryMs = [50, 150, 400];

/** Why an event has no picture. */
export type SnapshotFailure = "busy" | "gone" | "unreachable" | "failed" | "not_stored";

interface Job {
  key: string;
  camera: string;
  epoch: string;
  number: number;
  boxes: AnnotatedBox[];
  score: number;
  /** Another process began the event, so this picture may already be in the store. */
  mayBeStored: boolean;
}

/**
 * Takes the pictures of events: requests the frame that an event names from ingest, and stores it. A picture that is not
 * available is counted and left out. `offer` returns at once.
 */
export class SnapshotTaker {
  readonly #pictures: PictureClient;
  readonly #store: SnapshotStore;
  readonly #detections: RecentDetections;
  readonly #observe: (failure: SnapshotFailure | undefined) => void;
  readonly #log: Logger;
  /** Event → the frame that was last taken for it, in the order in which the events began. */
  readonly #taken = new BoundedMap<string, string>(mostRemembered);
  /** Event → the picture to take for it; a newer one replaces it. */
  readonly #waiting = new Map<string, Job>();
  readonly #running = new Map<string, Promise<void>>();
  #stopped = false;

  /** `observe` is called for each picture: stored, or why not. */
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

  /**
   * Takes an event's picture if the event names a frame that it did not name before. Call it in the order of the event's
   * phases. `found`: another process published the message, or this one did before a failure, so the picture may or may not
   * have been taken.
   */
  offer(event: Event, found = false): void {
    const { snapshotFrame: frame, phase } = event;
    const parts = parseEventName(event.name);
    if (!parts || !frame || this.#stopped) return;
    const key = `${parts.camera}/${parts.id}`;
    const last = this.#taken.get(key);
    const isOver = phase === EventPhase.END || phase === EventPhase.ONCE;
    if (isOver) this.#taken.delete(key);
    const { epoch, number } = frame;
    if (last === frameKey(epoch, number)) return;
    if (!isOver && !found) this.#taken.set(key, frameKey(epoch, number));
    if (this.#waiting.size >= mostWaiting && !this.#waiting.has(key)) {
      this.#observe("busy");
      return;
    }
    const mayBeStored = last === undefined && (found || !begins(event));
    this.#waiting.set(key, this.#job(event, parts.camera, key, frame, mayBeStored));
    this.#startMore();
  }

  /** Whether an earlier message about the event already offered the picture that it names. */
  hasTaken({ name, snapshotFrame: frame }: Event): boolean {
    const parts = parseEventName(name);
    if (!parts || !frame) return false;
    return this.#taken.get(`${parts.camera}/${parts.id}`) === frameKey(frame.epoch, frame.number);
  }

  /** Takes the picture that an event names at once, in one attempt. Returns whether it is stored within a second. */
  async takeNow(event: Event): Promise<boolean> {
    return Promise.race([this.#takeAtOnce(event), delay(nowMs, false, { ref: false })]);
  }

  async #takeAtOnce(event: Event): Promise<boolean> {
    const { snapshotFrame: frame } = event;
    const parts = parseEventName(event.name);
    if (!parts || !frame || this.#stopped) return false;
    const key = `${parts.camera}/${parts.id}`;
    this.#waiting.delete(key);
    const before = this.#taken.get(key);
    while (this.#running.has(key)) await this.#running.get(key);
    // A newer frame of the event has been offered meanwhile.
    if (this.#stopped || this.#taken.get(key) !== before) return false;
    const taking = this.#take(this.#job(event, parts.camera, key, frame, true), 1).then((stored) => {
      // The event may have named a newer frame meanwhile.
      if (stored && this.#taken.get(key) === before)
        this.#taken.set(key, frameKey(frame.epoch, frame.number));
      return stored;
    });
    await this.#run(key, taking);
    return taking;
  }

  /** Takes no more pictures; those in progress are finished. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #job(event: Event, camera: string, key: string, frame: FrameReference, mayBeStored: boolean): Job {
    const { epoch, number } = frame;
    const boxes = this.#boxes(event, camera, epoch, number);
    return { key, camera, epoch, number, boxes, score: event.snapshotScore, mayBeStored };
  }

  /** The object's box in this frame; the boxes of all objects when the event is about none. */
  #boxes(event: Event, camera: string, epoch: string, number: number): AnnotatedBox[] {
    const { track, frame } = event;
    if (track && frame?.epoch === epoch && frame.number === number) return annotatedBox(track, track.id);
    const found = this.#detections.find(camera, epoch, number)?.detections ?? [];
    if (!track)
      return found
        .filter(({ trackId }) => trackId !== "")
        .flatMap((each) => annotatedBox(each, each.trackId));
    // Uses the name that the event gives, whatever this single detection says.
    const { classId, className } = track;
    return found
      .filter(({ trackId }) => trackId === track.id)
      .flatMap((each) => annotatedBox({ ...each, classId, className }, each.trackId));
  }

  #startMore(): void {
    for (const [key, job] of this.#waiting) {
      if (this.#running.size >= mostRunning) return;
      // One picture of an event at a time, so that an older one is not stored last.
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      void this.#run(key, this.#take(job));
    }
  }

  #run(key: string, taking: Promise<unknown>): Promise<void> {
    const run = taking.then(() => {
      this.#running.delete(key);
      this.#startMore();
    });
    this.#running.set(key, run);
    return run;
  }

  /** Returns whether the picture is stored. */
  async #take(job: Job, attempts = retryMs.length + 1): Promise<boolean> {
    try {
      if (job.mayBeStored && (await this.#isStored(job))) return true;
      const { jpeg, ...picture } = await this.#picture(job, attempts);
      const { epoch, number, captureTimeMs, ptsUs, width, height, source } = picture;
      const { boxes, score } = job;
      const details = { epoch, number, captureTimeMs, ptsUs, width, height, source, boxes, score };
      await this.#store.put(job.key, jpeg, details);
      this.#observe(undefined);
      return true;
    } catch (error) {
      const failure = failureOf(error);
      this.#log.debug({ event: job.key, failure, err: error }, "an event has no picture");
      this.#observe(failure);
      return false;
    }
  }

  async #picture({ camera, epoch, number }: Job, attempts: number): Promise<Picture> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#pictures.get(camera, { epoch, number, source: "camera", quality });
      } catch (error) {
        const wait = retryMs[attempt];
        const passes = error instanceof PictureError && ["busy", "unreachable"].includes(error.reason);
        if (!passes || wait === undefined || attempt + 1 >= attempts || this.#stopped) throw error;
        await delay(wait);
      }
    }
  }

  async #isStored({ key, epoch, number }: Job): Promise<boolean> {
    const details = await this.#store.details(key);
    return details?.epoch === epoch && details.number === number;
  }
}

/** Whether it is the first message about the event. */
export function begins({ phase }: Event): boolean {
  return phase === EventPhase.START || phase === EventPhase.ONCE;
}

function frameKey(epoch: string, number: number): string {
  return `${epoch}:${number}`;
}

function failureOf(error: unknown): SnapshotFailure {
  if (!(error instanceof PictureError)) return "not_stored";
  return error.reason === "no_frame" ? "gone" : error.reason;
}
