import type { ModelShadow, ShadowMessage } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";
import type { ModelManifest } from "@sightline/yolo-nas";
import type { ShadowMetrics } from "./shadow-metrics.ts";
import { type ShadowedFrame, ShadowRun, type ShadowRunParts } from "./shadow-run.ts";

export type { ShadowedFrame } from "./shadow-run.ts";

export interface ShadowsParts extends Omit<ShadowRunParts, "publish"> {
  records: Pick<KvMirror<ModelShadow>, "keys" | "get" | "onChange">;
  publish: (shadow: string, message: ShadowMessage) => void;
  metrics: ShadowMetrics;
}

const none: readonly ShadowedFrame[] = [];

/** All shadows that results requests. A model is loaded when a frame of its camera reaches this worker. */
export class Shadows {
  readonly #parts: ShadowsParts;
  readonly #runs = new Map<string, ShadowRun>();
  readonly #unsubscribe: () => void;

  constructor(parts: ShadowsParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.records.onChange(({ key, value }) => {
      if (value) this.#begin(key, value);
      else this.#end(key);
    });
    for (const id of parts.records.keys()) this.#begin(id, parts.records.get(id)!);
  }

  /** Keeps a frame of `model` for each other model that should run it; `pixels` gives its pixels. */
  take(camera: string, model: ModelManifest, pixels: () => Uint8Array): readonly ShadowedFrame[] {
    if (this.#runs.size === 0) return none;
    return [...this.#runs.values()].flatMap((run) =>
      run.shadow.camera === camera ? (run.take(model, pixels) ?? []) : [],
    );
  }

  /** Bytes of memory that the models use. */
  bytes(): number {
    return [...this.#runs.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Frees the memory of all models. */
  async end(why: string): Promise<void> {
    await Promise.all([...this.#runs.values()].map((run) => run.bytes > 0 && run.end(why)));
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await Promise.all([...this.#runs.values()].map((run) => run.stop()));
  }

  #begin(id: string, shadow: ModelShadow): void {
    if (this.#runs.has(id)) return;
    const { publish, ...parts } = this.#parts;
    this.#runs.set(id, new ShadowRun(shadow, { ...parts, publish: (message) => publish(id, message) }));
  }

  #end(id: string): void {
    const run = this.#runs.get(id);
    this.#runs.delete(id);
    run
      ?.stop()
      .catch((error: Error) => this.#parts.log.error({ err: error }, "a shadow's model did not stop"));
  }
}
