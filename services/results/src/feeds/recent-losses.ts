import { cameraIdOf } from "@sightline/contracts";

/** How long a loss of frames is shown after it was found, in milliseconds. */
const shownMs = 15 * 60_000;

/** Frames of a camera that were not analysed. */
export interface RecentLoss {
  /** Upper limit of the number; 0 when unknown. */
  frames: number;
}

/** Recent losses of each camera. */
export class RecentLosses {
  readonly #losses = new Map<string, { frames: number; until: number }>();
  readonly #now: () => number;

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Frames of the camera with this resource name were lost before they were analysed. */
  add(name: string, frames: number): void {
    const camera = cameraIdOf(name);
    if (camera === undefined) return;
    const before = this.find(camera)?.frames ?? 0;
    this.#losses.set(camera, { frames: before + frames, until: this.#now() + shownMs });
  }

  /** The recent loss of a camera; undefined when there is none. */
  find(camera: string): RecentLoss | undefined {
    const loss = this.#losses.get(camera);
    if (!loss || this.#now() < loss.until) return loss && { frames: loss.frames };
    this.#losses.delete(camera);
    return undefined;
  }

  forget(camera: string): void {
    this.#losses.delete(camera);
  }
}
