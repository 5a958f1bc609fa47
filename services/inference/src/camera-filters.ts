import type { CameraRecord } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";

/** What of a camera's detections is published. */
export interface CameraFilter {
  /** 0 means the model's default. */
  minScore: number;
  /** Undefined means all. */
  classes: ReadonlySet<string> | undefined;
}

const everything: CameraFilter = { minScore: 0, classes: undefined };

/** Each camera's score and class filter, as the registry has them now. */
export class CameraFilters {
  readonly #filters = new Map<string, CameraFilter>();

  constructor(records: Pick<KvMirror<CameraRecord>, "onChange">) {
    records.onChange(({ key, value }) => {
      if (!value) this.#filters.delete(key);
      else {
        const classes = value.classes.length > 0 ? new Set(value.classes) : undefined;
        this.#filters.set(key, { minScore: value.minScore, classes });
      }
    });
  }

  of(camera: string): CameraFilter {
    return this.#filters.get(camera) ?? everything;
  }
}
