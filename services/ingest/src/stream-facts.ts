import { type CameraStatus, toTimestamp } from "@sightline/contracts";
import type { Decoding } from "@sightline/media";
import { wallClockMs } from "@sightline/service/clock";
import type { ArrivalSource } from "./frame-intake.ts";

/** Why a frame's capture time is not the arrival of its own last packet. */
export const lateStampReasons = ["codec", "no_packet"] as const;
const reasonOf = { report: "codec", picture: "no_packet" } as const;

/** What is known about a camera's stream, over all its connections in one epoch. */
export class StreamFacts {
  readonly captured = new RateMeter();
  readonly inferred = new RateMeter();
  readonly analysis = new AnalysisGap();
  codec = "";
  width = 0;
  height = 0;
  /** Its decoder; undefined before the first connection. */
  decoding: Decoding | undefined;
  /** How often a GPU decoder failed. */
  decoderFailures = 0;
  readonly #lateStamps = { codec: 0, no_packet: 0 };
  #connections = 0;
  #lastFrameAt: number | undefined;

  /** The first packet of the stream came over a new connection. */
  connected(): void {
    this.#connections += 1;
  }

  /** A frame is in memory. */
  stamp(source: ArrivalSource): void {
    if (source !== "packets") this.#lateStamps[reasonOf[source]] += 1;
  }

  /** Number of frames whose capture time may be late for this reason. */
  lateStamps(reason: (typeof lateStampReasons)[number]): number {
    return this.#lateStamps[reason];
  }

  /** A frame was inferred. */
  infer(): void {
    this.inferred.mark();
    this.analysis.infer();
  }

  /** A picture with this displayed size was decoded. */
  picture(size: { width: number; height: number }): void {
    this.width = size.width;
    this.height = size.height;
    this.#lastFrameAt = performance.now();
  }

  /** Number of connections after the first. */
  get reconnects(): number {
    return Math.max(0, this.#connections - 1);
  }

  /** These facts as part of the camera's status. */
  get status() {
    return {
      lastFrameTime:
        this.#lastFrameAt === undefined ? undefined : toTimestamp(wallClockMs(this.#lastFrameAt)),
      sourceWidth: this.width,
      sourceHeight: this.height,
      codec: this.codec,
      captureFps: this.captured.perSecond,
      inferenceFps: this.inferred.perSecond,
      reconnects: this.reconnects,
      decoder: this.decoding?.decoder ?? "",
      decoderNote: this.decoding?.note ?? "",
    } satisfies Partial<CameraStatus>;
  }
}

/**
 * How long a camera's frames have come while none was inferred, whatever the cause. A camera that sends few frames has no
 * gap between them: time counts from the first packet after the last inference.
 */
export class AnalysisGap {
  readonly #now: () => number;
  #since: number | undefined;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A packet of the camera has arrived. */
  arrive(): void {
    this.#since ??= this.#now();
  }

  /** A frame was inferred. */
  infer(): void {
    this.#since = undefined;
  }

  /** The camera sends nothing any more. */
  end(): void {
    this.#since = undefined;
  }

  /** Whole seconds for which an inference has been missing, where one is due every `due` seconds. */
  missingSeconds(due: number): number {
    if (this.#since === undefined) return 0;
    return Math.floor(Math.max(0, (this.#now() - this.#since) / 1000 - due));
  }
}

const windowMs = 5_000;

/** Events per second over the last five seconds. */
export class RateMeter {
  readonly #now: () => number;
  readonly #times: number[] = [];
  readonly #since: number;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  mark(): void {
    this.#times.push(this.#now());
    this.#forget();
  }

  get perSecond(): number {
    this.#forget();
    const span = Math.min(windowMs, this.#now() - this.#since);
    return span <= 0 ? 0 : (this.#times.length * 1000) / span;
  }

  #forget(): void {
    const oldest = this.#now() - windowMs;
    const keep = this.#times.findIndex((time) => time > oldest);
    this.#times.splice(0, keep < 0 ? this.#times.length : keep);
  }
}
