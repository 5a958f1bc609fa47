import type { LivePicture } from "@sightline/contracts";

const mostKept = 200;
/** Boxes stay for this long on the pictures after the analysed one, unless another frame is analysed. */
export const holdMs = 1_000;
/** Clocks are read in fractions of a millisecond. */
const toleranceMs = 1;
/** Smallest and largest delay of the video. */
const leastDelay = 0.5;
const mostDelay = 3;
/** Extra delay beyond the usual arrival of detections. */
const spare = 0.3;

/** The detections of one camera by time. */
export class DetectionTimes {
  /** By capture time, oldest first. */
  readonly #pictures: LivePicture[] = [];
  #latencyMs = 0;

  add(picture: LivePicture): void {
    // It falls slowly: the video's speed must not change with each frame.
    this.#latencyMs = Math.max(picture.latencyMs, this.#latencyMs * 0.98);
    this.#pictures.push(picture);
    if (this.#pictures.length > mostKept) this.#pictures.shift();
  }

  /** Delay for the video, in seconds, so that detections arrive before their picture is shown. */
  get delaySeconds(): number {
    return Math.min(mostDelay, Math.max(leastDelay, this.#latencyMs / 1000 + spare));
  }

  /** The last analysed frame up to a capture time; undefined when it is too old. */
  at(captureMs: number): LivePicture | undefined {
    return analysedAt(this.#pictures, captureMs);
  }
}

/** The last of some frames, ordered by time, up to a capture time; undefined when it is too old. */
export function analysedAt<Frame extends { captureTimeMs: number }>(
  frames: readonly Frame[],
  captureMs: number,
): Frame | undefined {
  const found = frames.findLast(({ captureTimeMs }) => captureTimeMs <= captureMs + toleranceMs);
  return found && captureMs - found.captureTimeMs <= holdMs ? found : undefined;
}
