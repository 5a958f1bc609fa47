import { type CameraReason, CameraState, type CameraStatus, type Timestamp } from "@sightline/contracts";
import type { CameraStatusView } from "@sightline/service";

/** A camera that no ingest holds for longer than this counts as down. */
export const pendingLimitMs = 10_000;

/**
 * Frames of a camera that is down may still be on their way to a worker and back. It counts as down when they are done, or
 * after this time.
 */
export const settleLimitMs = 3_000;

/** Whether a camera sends frames, and if not, why. */
export type Standing =
  | { down: false }
  | {
      down: true;
      reason: CameraReason;
      message: string;
      /** When its last frame was captured, or a little later. */
      framesEnd: Timestamp | undefined;
    };

/** What one camera's status means for its timeline: up, down, or nothing new. */
export class CameraStanding {
  readonly #view: Pick<CameraStatusView, "find">;
  readonly #camera: string;
  readonly #changed: () => void;
  readonly #removeListener: () => void;
  /** Since when the camera has sent no frames while it does not count as down yet. */
  #waitingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` is called whenever `now` may have changed. */
  constructor(view: Pick<CameraStatusView, "find" | "onChange">, camera: string, changed: () => void) {
    this.#view = view;
    this.#camera = camera;
    this.#changed = changed;
    this.#removeListener = view.onChange((id) => {
      if (id === camera) this.#consider();
    });
    this.#consider();
  }

  /** Undefined while it is not certain whether the camera is up or down, for example while it is being connected. */
  get now(): Standing | undefined {
    const status = this.#view.find(this.#camera);
    if (status?.state === CameraState.LIVE) return { down: false };
    const limitMs = waitLimitOf(status);
    if (!status || limitMs === undefined) return undefined;
    const waitedMs = this.#waitingSince === undefined ? 0 : performance.now() - this.#waitingSince;
    return waitedMs >= limitMs ? downBy(status) : undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#removeListener();
  }

  #consider(): void {
    const limitMs = waitLimitOf(this.#view.find(this.#camera));
    if (limitMs === undefined) this.#waitingSince = undefined;
    else this.#waitingSince ??= performance.now();
    clearTimeout(this.#timer);
    if (limitMs !== undefined && this.#waitingSince !== undefined) {
      const leftMs = limitMs - (performance.now() - this.#waitingSince);
      if (leftMs > 0) this.#timer = setTimeout(this.#changed, Math.ceil(leftMs) + 1);
    }
    this.#changed();
  }
}

/** How long a camera must be in this state to count as down; undefined when this state never counts as down. */
function waitLimitOf(status: CameraStatus | undefined): number | undefined {
  if (status?.state === CameraState.PENDING) return pendingLimitMs;
  if (status?.state !== CameraState.DOWN) return undefined;
  return (status.ledger?.inFlight ?? 0) > 0 ? settleLimitMs : 0;
}

function downBy({ reason, message, lastFrameTime }: CameraStatus): Standing {
  return { down: true, reason, message, framesEnd: lastFrameTime };
}
