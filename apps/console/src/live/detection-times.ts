import type { LivePicture } from "@sightline/contracts";

const mostKept = 200;
/** Boxes stay on the pictures behind the analysed one for so long, unless another is analysed. */
export const holdMs = 1_000;
/** Clocks are read in fractions of a millisecond. */
const toleranceMs = 1;
/** The video is shown at least and at most so late. */
const leastDelay = 0.5;
const mostDelay = 3;
/** So much later than the detections usually come. */
const spare = 0.3;

/** What was detected when, of one camera. */
export class DetectionTimes {
  /** By capture time, oldest first. */
  readonly #pictures: LivePicture[] = [];
  #latencyMs = 0;

  add(picture: LivePicture): void {
    // Falls slowly: the video must not change its pace with each frame.
    this.#latencyMs = Math.max(picture.latencyMs, this.#latencyMs * 0.98);
    this.#pictures.push(picture);
    if (this.#pictures.length > mostKept) this.#pictures.shift();
  }

  /** How late video is to be shown, in seconds, so that the detections are there before. */
  get delaySeconds(): number {
    return Math.min(mostDelay, Math.max(leastDelay, this.#latencyMs / 1000 + spare));
  }

  /** The last analysed frame up to a capture time; undefined when that is long past. */
  at(captureMs: number): LivePicture | undefined {
    return analysedAt(this.#pictures, captureMs);
  }
}

/** Of frames by time the last up to a capture time; undefined when that is long past. */
export function analysedAt<Frame extends { captureTimeMs: number }>(
  frames: readonly Frame[],
  captureMs: number,
): Frame | undefined {
  const found = frames.findLast(({ captureTimeMs }) => captureTimeMs <= captureMs + toleranceMs);
  return found && captureMs - found.captureTimeMs <= holdMs ? found : undefined;
}
