import type { ClassAgreement, ModelShadow, ShadowSide } from "@sightline/contracts";
import { Counter, type Registry } from "prom-client";

/**
 * How well models agree that run the same frames. `watch` is "drift" where both are the same version of one model in two
 * precisions, else "shadow".
 */
export class ShadowMetrics {
  readonly #frames: Counter;
  readonly #boxes: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#frames = new Counter({
      name: "sightline_inference_shadow_frames_total",
      help: "Frames that a second model should run too, by outcome: compared, dropped because the worker was busy, or failed.",
      labelNames: ["camera", "model", "outcome"],
      registers,
    });
    this.#boxes = new Counter({
      name: "sightline_inference_shadow_boxes_total",
      help: "Boxes of frames that two models ran: found by both, by the second model only (gained), or by the camera's model only (lost).",
      labelNames: ["camera", "model", "watch", "found"],
      registers,
    });
  }

  frame({ camera, model }: ModelShadow, outcome: "compared" | "dropped" | "failed"): void {
    this.#frames.inc({ camera, model, outcome });
  }

  boxes(
    { camera }: ModelShadow,
    one: ShadowSide,
    { model, version }: ShadowSide,
    classes: Readonly<Record<string, ClassAgreement>>,
  ): void {
    const watch = one.model === model && one.version === version ? "drift" : "shadow";
    for (const counts of Object.values(classes))
      for (const found of ["both", "gained", "lost"] as const)
        this.#boxes.inc({ camera, model, watch, found }, counts[found]);
  }

  /** The camera was removed. */
  forget(camera: string): void {
    for (const counter of [this.#frames, this.#boxes])
      void counter
        .get()
        .then(({ values }) =>
          values.filter(({ labels }) => labels.camera === camera).map(({ labels }) => counter.remove(labels)),
        );
  }
}
