import { Counter, Histogram, type Registry } from "prom-client";

/** The outcome for a frame whose camera requests a second stage. */
export type SecondStageOutcome =
  /** Its objects were classified, or there were none. */
  | "read"
  /** The model is not loaded (yet), or cannot be. */
  | "absent"
  /** Too many frames wait for second stages. */
  | "busy"
  /** The run failed, or took too long. */
  | "failed";

/** The metrics of second stages. */
export class SecondStageMetrics {
  readonly #frames: Counter;
  readonly #objects: Counter;
  readonly #runSeconds: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    const prefix = "sightline_inference_second_stage";
    this.#frames = new Counter({
      name: `${prefix}_frames_total`,
      help: "Frames of cameras with a second stage, by what came of it. All of these frames are published.",
      labelNames: ["model", "outcome"],
      registers,
    });
    this.#objects = new Counter({
      name: `${prefix}_objects_total`,
      help: "Objects that a second stage read or left out. It leaves out objects that are too small, and all but the largest objects of a frame.",
      labelNames: ["model", "outcome"],
      registers,
    });
    this.#runSeconds = new Histogram({
      name: `${prefix}_run_seconds`,
      help: "Duration of one run of a second stage on the objects of one frame.",
      labelNames: ["model"],
      buckets: [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1],
      registers,
    });
  }

  frame(model: string, outcome: SecondStageOutcome): void {
    this.#frames.inc({ model, outcome });
  }

  objects(model: string, looked: number, leftOut: number): void {
    this.#objects.inc({ model, outcome: "read" }, looked);
    this.#objects.inc({ model, outcome: "left_out" }, leftOut);
  }

  run(model: string, runMs: number): void {
    this.#runSeconds.observe({ model }, runMs / 1000);
  }
}
