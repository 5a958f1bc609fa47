import type { CameraRecord } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";

/** Which of a camera's detections are published. */
export interface CameraFilter {
  /** 0 means the model's default. */
  minScore: number;
  /** Undefined means all classes. */
  classes: ReadonlySet<string> | undefined;
  /** Models that classify the detected objects. */
  secondStages: readonly AskedSecondStage[];
}

/** A second stage as a camera asks for it. */
export interface AskedSecondStage {
  model: string;
  /** Undefined means all classes. */
  classes: ReadonlySet<string> | undefined;
}

const everything: CameraFilter = { minScore: 0, classes: undefined, secondStages: [] };
/** How long a frame waits for its camera's record, which arrives separately. */
const waitMs = 1_000;

/** Each camera's score and class filter, as the registry has them now. */
export class CameraFilters {
  readonly #filters = new Map<string, { filter: CameraFilter; registeredAt: number }>();
  /** Woken when a camera's record has arrived. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(records: Pick<KvMirror<CameraRecord>, "onChange">) {
    records.onChange(({ key, value }) => {
      if (!value) {
        this.#filters.delete(key);
        return;
      }
      const filter = {
        minScore: value.minScore,
        classes: setOf(value.classes),
        secondStages: (value.secondStages ?? []).map(({ model, classes }) => ({
          model,
          classes: setOf(classes),
        })),
      };
      this.#filters.set(key, { filter, registeredAt: Date.parse(value.createTime) });
      for (const wake of this.#waiting.get(key) ?? []) wake();
    });
  }

  /**
   * The filter for a frame of the camera that was registered under this name at `registeredAt` (milliseconds; undefined:
   * whichever is registered now). The record of a new camera may arrive after the camera's first frame; then it is waited
   * for. Undefined when that camera has been removed.
   */
  of(
    camera: string,
    registeredAt: number | undefined,
  ): CameraFilter | undefined | Promise<CameraFilter | undefined> {
    const known = this.#filters.get(camera);
    if (registeredAt === undefined) return known?.filter ?? everything;
    if (known?.registeredAt === registeredAt) return known.filter;
    if (known && known.registeredAt > registeredAt) return undefined;
    return this.#wait(camera, registeredAt);
  }

  async #wait(camera: string, registeredAt: number): Promise<CameraFilter | undefined> {
    const woken = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(camera) ?? new Set();
    this.#waiting.set(camera, waiting.add(woken.resolve));
    const limit = setTimeout(woken.resolve, waitMs);
    await woken.promise;
    clearTimeout(limit);
    waiting.delete(woken.resolve);
    if (waiting.size === 0) this.#waiting.delete(camera);
    const known = this.#filters.get(camera);
    return known?.registeredAt === registeredAt ? known.filter : undefined;
  }
}

function setOf(classes: readonly string[]): ReadonlySet<string> | undefined {
  return classes.length > 0 ? new Set(classes) : undefined;
}
