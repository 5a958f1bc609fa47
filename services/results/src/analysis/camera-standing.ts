import { type CameraReason, CameraState, type CameraStatus } from "@sightline/contracts";
import type { CameraStatusView } from "../cameras/camera-status-view.ts";

/** A camera that no ingest holds for longer than this counts as down. */
export const pendingLimitMs = 10_000;

/** Whether a camera gives frames, and if not, why. */
export type Standing = { down: false } | { down: true; reason: CameraReason; message: string };

/** What one camera's status comes to for its timeline: up, down, or nothing new. */
export class CameraStanding {
  readonly #view: Pick<CameraStatusView, "find">;
  readonly #camera: string;
  readonly #changed: () => void;
  readonly #removeListener: () => void;
  #pendingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `changed` is called whenever `now` may say something else. */
  constructor(view: Pick<CameraStatusView, "find" | "onChange">, camera: string, changed: () => void) {
    this.#view = view;
    this.#camera = camera;
    this.#changed = changed;
    this.#removeListener = view.onChange((id) => {
      if (id === camera) this.#consider();
    });
    this.#consider();
  }

  /** Undefined while the camera is neither up nor down for certain, as when it is being connected. */
  get now(): Standing | undefined {
    const status = this.#view.find(this.#camera);
    if (status?.state === CameraState.LIVE) return { down: false };
    if (status?.state === CameraState.DOWN) return downBy(status);
    if (status?.state !== CameraState.PENDING || this.#pendingSince === undefined) return undefined;
    return performance.now() - this.#pendingSince >= pendingLimitMs ? downBy(status) : undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#removeListener();
  }

  #consider(): void {
    const pending = this.#view.find(this.#camera)?.state === CameraState.PENDING;
    if (!pending) {
      clearTimeout(this.#timer);
      this.#pendingSince = undefined;
    } else if (this.#pendingSince === undefined) {
      this.#pendingSince = performance.now();
      this.#timer = setTimeout(this.#changed, pendingLimitMs + 1);
    }
    this.#changed();
  }
}

function downBy({ reason, message }: CameraStatus): Standing {
  return { down: true, reason, message };
}
