import { type Camera, cameraIdOf, type HttpCamera, type WorkerInfo } from "@sightline/contracts";
import { diagnoseCamera } from "./findings/diagnose-camera.ts";
import { toHttpCamera } from "./json/camera-json.ts";
import type { SeriesStore } from "./series/series-store.ts";

/** Seconds that a diagnosis looks back: long enough to be steady, short enough to follow a repair. */
export const diagnosisSeconds = 10;

/** Cameras as the HTTP API shows them: settings, status, and what is the matter with them. */
export class CameraView {
  readonly #series: SeriesStore;
  readonly #workers: () => WorkerInfo[];

  constructor(series: SeriesStore, workers: () => WorkerInfo[]) {
    this.#series = series;
    this.#workers = workers;
  }

  show(camera: Camera): HttpCamera {
    const shown = toHttpCamera(camera, []);
    const samples = this.#series.recent(cameraIdOf(camera.name) ?? "", diagnosisSeconds);
    return { ...shown, findings: diagnoseCamera(shown, samples, { workers: this.#workers() }) };
  }
}
