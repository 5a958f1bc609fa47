import {
  type Camera,
  cameraIdOf,
  type HttpCamera,
  type ServedModel,
  type WorkerInfo,
} from "@sightline/contracts";
import type { Analyses } from "../analyses.ts";
import type { RecentLosses } from "../feeds/recent-losses.ts";
import { diagnoseCamera } from "./findings/diagnose-camera.ts";
import { toHttpCamera } from "./json/camera-json.ts";
import { figuresOf } from "./series/camera-series.ts";
import type { SeriesStore } from "./series/series-store.ts";

/** Seconds that a diagnosis covers: long enough to be steady, short enough to show a repair soon. */
export const diagnosisSeconds = 10;

/** Cameras as the HTTP API shows them: settings, status, and what is wrong with them. */
export class CameraView {
  readonly #series: SeriesStore;
  readonly #workers: () => WorkerInfo[];
  readonly #losses: RecentLosses;
  readonly #analyses: Analyses;
  readonly #model: (name: string) => ServedModel | undefined;

  constructor(
    series: SeriesStore,
    workers: () => WorkerInfo[],
    losses: RecentLosses,
    analyses: Analyses,
    model: (name: string) => ServedModel | undefined,
  ) {
    this.#model = model;
    this.#series = series;
    this.#workers = workers;
    this.#losses = losses;
    this.#analyses = analyses;
  }

  show(camera: Camera): HttpCamera {
    const id = cameraIdOf(camera.name) ?? "";
    const samples = this.#series.recent(id, diagnosisSeconds);
    const figures = figuresOf(samples, this.#series.latency(id, diagnosisSeconds));
    const shown = { ...toHttpCamera(camera), figures };
    const system = {
      workers: this.#workers(),
      loss: this.#losses.find(id),
      stall: this.#analyses.stallOf(id),
      status: camera.status,
      modelClasses: this.#model(shown.model)?.classes,
    };
    return { ...shown, findings: diagnoseCamera(shown, samples, system) };
  }
}
