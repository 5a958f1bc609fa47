import type { AnalysisPresence } from "@sightline/contracts";

/** As many cameras, and so much of each reason, are told: who reads of that many knows what is the matter. */
const [mostTold, longestReason] = [200, 500];

/** Cameras whose analysis in this process makes no progress, and why. */
export class Stalls {
  readonly #reasons = new Map<string, string>();
  readonly #changed: () => void;

  /** `changed` is called when there is something else to tell. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Undefined: it goes on. */
  tell(camera: string, reason: string | undefined): void {
    if (this.#reasons.get(camera) === reason) return;
    if (reason === undefined) this.#reasons.delete(camera);
    else this.#reasons.set(camera, reason);
    this.#changed();
  }

  /** What others are told of it. */
  get presence(): AnalysisPresence {
    const told = [...this.#reasons].slice(0, mostTold);
    return { stalls: Object.fromEntries(told.map(([camera, why]) => [camera, why.slice(0, longestReason)])) };
  }
}
