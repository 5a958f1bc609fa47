import { dropReasonLabel, dropReasons } from "@sightline/contracts";
import type { Registry } from "prom-client";
import { ModelMetrics, ModelSeries } from "./model-metrics.ts";
import { WorkerMetrics } from "./worker-metrics.ts";

/** Everything this service tells Prometheus. */
export class InferenceMetrics extends WorkerMetrics {
  readonly #series: ModelSeries;
  readonly #models = new Map<string, ModelMetrics>();

  constructor(registry: Registry) {
    super(registry);
    this.#series = new ModelSeries(registry);
  }

  /** The metrics of one model, the same ones each time. */
  of(model: string): ModelMetrics {
    let found = this.#models.get(model);
    if (!found) {
      found = new ModelMetrics(model, this, this.#series);
      this.#models.set(model, found);
    }
    return found;
  }

  /** A removed camera's series go. */
  forget(camera: string): void {
    const { frames, detections, dropped } = this.#series;
    for (const model of this.#models.keys()) {
      frames.remove({ camera, model });
      detections.remove({ camera, model });
      for (const reason of dropReasons) dropped.remove({ camera, model, reason: dropReasonLabel(reason) });
    }
  }
}
