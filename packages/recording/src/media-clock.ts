import { type CodedPicture, ticksPerSecond } from "./coded-picture.ts";

const ticksPerMs = ticksPerSecond / 1000;
/** A step of the stream's time up to this length is accepted as it is, since slow cameras have B-frames too; a longer step must match the clock. */
const usualStepMs = 10_000;
const toleranceMs = 1_000;
/** A picture cannot arrive before its time. If it is ahead by this much, the picture that set the start had arrived late. */
const mostAheadMs = 200;
/** Pictures come late when the network or this process is delayed. Up to this limit it is a delay, not a change of the stream's time. */
const mostBehindMs = 2_000;
const mostLateMs = 20_000;
/** No delay makes a picture later than this. */
const jumpMs = 10_000;
/** Shorter periods are too irregular to judge. */
const leastJudgedMs = 500;

/** The time of a picture in files. */
export interface MediaTime {
  ticks: number;
  /** The times start again here, so a new file must start too. Only at key pictures. */
  anew: boolean;
}

/**
 * Gives pictures their time in files, in ticks since 1970. It follows the stream's time, and is set to the capture time at the start,
 * after a jump, and when the two have drifted apart. If the stream's time does not run like a clock, the pictures' arrival is used.
 */
export class MediaClock {
  #anchor: { ptsUs: number; ticks: number } | undefined;
  #last: { ptsUs: number; arrivedAt: number; ticks: number } | undefined;
  #lastKey: { ticks: number; arrivedAt: number } | undefined;
  #byArrival = false;
  #behindSince: number | undefined;

  time(picture: CodedPicture): MediaTime {
    const { key, arrivedAt, captureMs, ptsUs } = picture;
    const wall = Math.round(captureMs * ticksPerMs);
    let followed = this.#follow(picture);
    if (key && followed !== undefined && this.#isNoClock(followed, arrivedAt)) {
      this.#byArrival = true;
      followed = this.#follow(picture);
    }
    const anew = key && (followed === undefined || this.#isOff((wall - followed) / ticksPerMs, arrivedAt));
    const ticks = anew || followed === undefined ? wall : followed;
    if (anew) this.#anchor = { ptsUs, ticks };
    this.#last = { ptsUs, arrivedAt, ticks };
    if (key) this.#lastKey = { ticks, arrivedAt };
    return { ticks, anew };
  }

  /** The time for other data of the stream, such as its sound; undefined before the first picture. */
  at({ ptsUs, arrivedAt }: Pick<CodedPicture, "ptsUs" | "arrivedAt">): number | undefined {
    const [anchor, last] = [this.#anchor, this.#last];
    if (!anchor || !last) return undefined;
    const arrival = last.ticks + Math.round((arrivedAt - last.arrivedAt) * ticksPerMs);
    const ticks = anchor.ticks + Math.round(((ptsUs - anchor.ptsUs) / 1000) * ticksPerMs);
    return this.#byArrival || Math.abs(ticks - arrival) > mostBehindMs * ticksPerMs ? arrival : ticks;
  }

  /** Whether the times must be set again, for a key picture that arrived this many milliseconds after its time. */
  #isOff(behindMs: number, arrivedAt: number): boolean {
    const isBehind = behindMs > mostBehindMs;
    this.#behindSince = isBehind ? (this.#behindSince ?? arrivedAt) : undefined;
    const isLate = this.#behindSince !== undefined && arrivedAt - this.#behindSince > mostLateMs;
    const isOff = behindMs < -mostAheadMs || behindMs > jumpMs || isLate;
    if (isOff) this.#behindSince = undefined;
    return isOff;
  }

  /** The time that continues the previous ones; undefined at the start. */
  #follow({ ptsUs, arrivedAt }: CodedPicture): number | undefined {
    const [anchor, last] = [this.#anchor, this.#last];
    if (!anchor || !last) return undefined;
    const passedMs = arrivedAt - last.arrivedAt;
    const arrival = last.ticks + Math.max(1, Math.round(passedMs * ticksPerMs));
    if (this.#byArrival) return arrival;
    const stepMs = (ptsUs - last.ptsUs) / 1000;
    if (Math.abs(stepMs) > usualStepMs && Math.abs(stepMs - passedMs) > toleranceMs) {
      this.#anchor = { ptsUs, ticks: arrival };
      return arrival;
    }
    return anchor.ticks + Math.round(((ptsUs - anchor.ptsUs) / 1000) * ticksPerMs);
  }

  /** Whether, between two key pictures, the stream's time advanced much less or much more than the clock. */
  #isNoClock(ticks: number, arrivedAt: number): boolean {
    if (!this.#lastKey || this.#byArrival) return false;
    const passed = (arrivedAt - this.#lastKey.arrivedAt) * ticksPerMs;
    const went = ticks - this.#lastKey.ticks;
    return passed > leastJudgedMs * ticksPerMs && (went < passed / 2 || went > passed * 2);
  }
}

/**
 * Decoding times for pictures that come in decoding order and only have display times. They are the display times in ascending order,
 * moved earlier by as much as the most delayed picture requires.
 */
export class DecodeTimes {
  #delay = 0;
  #last = Number.NEGATIVE_INFINITY;

  /** The decoding times of one fragment's pictures, later than all before. `pts` is in decoding order. */
  of(pts: readonly number[]): number[] {
    const shown = [...pts].sort((a, b) => a - b);
    // Within a file, only pictures seen so far may count: decoding times must not go back.
    for (const [i, time] of pts.entries()) this.#delay = Math.max(this.#delay, shown[i]! - time);
    return shown.map((time) => {
      this.#last = Math.max(time - this.#delay, this.#last + 1);
      return this.#last;
    });
  }

  /** How much earlier pictures are decoded than shown. */
  get delay(): number {
    return this.#delay;
  }

  /** The following pictures have no times in common with the earlier ones. */
  restart(): void {
    this.#last = Number.NEGATIVE_INFINITY;
  }
}
