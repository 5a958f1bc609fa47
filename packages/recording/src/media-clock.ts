import { type CodedPicture, ticksPerSecond } from "./coded-picture.ts";

const ticksPerMs = ticksPerSecond / 1000;
/** A step of the stream's time that is no longer than this is taken as it is, since slow cameras have B-frames too; a longer one must be as long by the clock. */
const usualStepMs = 10_000;
const toleranceMs = 1_000;
/** A picture cannot arrive before its time: when it is so much ahead, what was taken for the beginning had come late. */
const mostAheadMs = 200;
/** Pictures come late when the network or this process is held up; only for so long that is no other time of the stream. */
const mostBehindMs = 2_000;
const mostLateMs = 20_000;
/** So late none comes by being held up. */
const jumpMs = 10_000;
/** Pictures of a shorter time come too irregularly to tell. */
const leastJudgedMs = 500;

/** The time of a picture in files. */
export interface MediaTime {
  ticks: number;
  /** Times begin anew here, so a file must too. Only at key pictures. */
  anew: boolean;
}

/**
 * Gives pictures their time in files, in ticks since 1970: that of the stream, set to the capture time when it begins, when it has
 * jumped, and when the two have drifted apart. A stream whose time does not go as clocks do is timed by the pictures' arrival.
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

  /** The time of something else of the stream, such as its sound; undefined before the first picture. */
  at({ ptsUs, arrivedAt }: Pick<CodedPicture, "ptsUs" | "arrivedAt">): number | undefined {
    const [anchor, last] = [this.#anchor, this.#last];
    if (!anchor || !last) return undefined;
    const arrival = last.ticks + Math.round((arrivedAt - last.arrivedAt) * ticksPerMs);
    const ticks = anchor.ticks + Math.round(((ptsUs - anchor.ptsUs) / 1000) * ticksPerMs);
    return this.#byArrival || Math.abs(ticks - arrival) > mostBehindMs * ticksPerMs ? arrival : ticks;
  }

  /** Whether a key picture that arrived so many milliseconds behind its time says that times must be set anew. */
  #isOff(behindMs: number, arrivedAt: number): boolean {
    const isBehind = behindMs > mostBehindMs;
    this.#behindSince = isBehind ? (this.#behindSince ?? arrivedAt) : undefined;
    const isLate = this.#behindSince !== undefined && arrivedAt - this.#behindSince > mostLateMs;
    const isOff = behindMs < -mostAheadMs || behindMs > jumpMs || isLate;
    if (isOff) this.#behindSince = undefined;
    return isOff;
  }

  /** The time that continues what was; undefined at the beginning. */
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

  /** Whether, from key picture to key picture, the stream's time went much less or more far than the clock did. */
  #isNoClock(ticks: number, arrivedAt: number): boolean {
    if (!this.#lastKey || this.#byArrival) return false;
    const passed = (arrivedAt - this.#lastKey.arrivedAt) * ticksPerMs;
    const went = ticks - this.#lastKey.ticks;
    return passed > leastJudgedMs * ticksPerMs && (went < passed / 2 || went > passed * 2);
  }
}

/**
 * Decoding times for pictures that come in the order in which they are decoded and say only when they are shown: the times at
 * which they are shown, in order, as much earlier as the picture that is shown latest after its turn makes necessary.
 */
export class DecodeTimes {
  #delay = 0;
  #last = Number.NEGATIVE_INFINITY;

  /** The times of one fragment's pictures, later than all before. `pts` in the order of decoding. */
  of(pts: readonly number[]): number[] {
    const shown = [...pts].sort((a, b) => a - b);
    // Within a file only what has been seen already counts: its decoding times must not go back.
    for (const [i, time] of pts.entries()) this.#delay = Math.max(this.#delay, shown[i]! - time);
    return shown.map((time) => {
      this.#last = Math.max(time - this.#delay, this.#last + 1);
      return this.#last;
    });
  }

  /** How much earlier than shown pictures are decoded. */
  get delay(): number {
    return this.#delay;
  }

  /** What comes has no times in common with what was. */
  restart(): void {
    this.#last = Number.NEGATIVE_INFINITY;
  }
}
