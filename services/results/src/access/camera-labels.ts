import { type CameraRecord, hasLabels, type Labels } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";

/** Which cameras have which labels now; rules of access that name a label stand for these cameras. */
export class CameraLabels {
  readonly #records: Pick<KvMirror<CameraRecord>, "get" | "keys" | "onChange">;

  constructor(records: Pick<KvMirror<CameraRecord>, "get" | "keys" | "onChange">) {
    this.#records = records;
  }

  /** Ids of the cameras that have the label, given as `key=value`. */
  idsWith(label: string): string[] {
    return this.#records.keys().filter((id) => hasLabels(this.of(id), [label]));
  }

  /** Labels of a camera; none when it is not registered. */
  of(id: string): Labels {
    return this.#records.get(id)?.labels ?? {};
  }

  /** Calls `listener` when a camera was registered, changed or removed, until the returned function is called. */
  onChange(listener: () => void): () => void {
    return this.#records.onChange(() => listener());
  }
}

/** What stands behind the labels in a rule of access. */
export type LabelledCameras = Pick<CameraLabels, "idsWith">;

/** Labels while no camera is known. */
export const noLabels: LabelledCameras = { idsWith: () => [] };
