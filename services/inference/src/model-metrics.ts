import { type DropReason, dropReasonLabel, dropReasons, type StageTimings } from "@sightline/contracts";
import { latencyBuckets } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { LoadMeter } from "./load-meter.ts";
import type { SessionInfo } from "./session-messages.ts";
import { WorkerMetrics } from "./worker-metrics.ts";

/** Values of a loaded model that are read at each scrape. */
export interface LoadedReadings {
  slots: () => number;
  busySlots: () => number;
  restarts: () => number;
  /** Sessions that were asked for and could not be opened. */
  missing: () => number;
  up: () => boolean;
  memoryBytes: () => number;
}

/** The series with a label `model`. */
export class ModelSeries {
  readonly loaded = new Map<string, LoadedReadings>();
  readonly frames: Counter;
  readonly dropped: Counter;
  readonly detections: Counter;
  readonly batchSize: Histogram;
  readonly runSeconds: Histogram;
  readonly failed: Counter;
  readonly busySeconds: Counter;
  readonly stageSeconds: Histogram;
  readonly queueDepth: Gauge;
  readonly info: Gauge;
  readonly curve: Gauge;
  readonly loads: Counter;
  readonly unloads: Counter;
  readonly loadable: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = (name: string, help: string, ...labels: string[]) =>
      new Counter({ name: `sightline_inference_${name}`, help, labelNames: ["model", ...labels], registers });
    const gauge = (name: string, help: string, ...labels: string[]) =>
      new Gauge({ name: `sightline_inference_${name}`, help, labelNames: ["model", ...labels], registers });
    const histogram = (name: string, help: string, buckets: number[], ...labels: string[]) =>
      new Histogram({
        name: `sightline_inference_${name}`,
        help,
        labelNames: ["model", ...labels],
        buckets,
        registers,
      });
    this.frames = counter("frames_total", "Frames whose detections are in the stream.", "camera");
    this.dropped = counter(
      "frames_dropped_total",
      "Frames that this worker took but did not infer, by reason.",
      "camera",
      "reason",
    );
    this.detections = counter("detections_total", "Objects published.", "camera");
    const sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
    this.batchSize = histogram("batch_size", "Frames in a batch.", sizes);
    this.runSeconds = histogram("run_seconds", "Duration of one run of the model.", latencyBuckets);
    this.failed = counter(
      "batches_failed_total",
      "Batches whose frames were all dropped, by reason: the run failed (run), or it was not certain which frame the boxes belong to (mismatch).",
      "reason",
    );
    this.busySeconds = counter(
      "busy_seconds_total",
      "Seconds for which the model ran, averaged over its sessions. The rate, summed over all models, is the worker's utilisation.",
    );
    const where = "Time of a frame in each stage of the worker, up to its publication.";
    this.stageSeconds = histogram("stage_seconds", where, latencyBuckets, "stage");
    this.queueDepth = gauge("queue_depth", "Tokens of this model that wait for a worker.");
    const labels = ["version", "precision", "execution_provider", "worker"];
    this.info = gauge(
      "info",
      "Constant 1, labelled with the model, its version and precision, the execution provider and the worker.",
      ...labels,
    );
    const curve = "Median duration of one run at each batch size, measured when the model was loaded.";
    this.curve = gauge("batch_curve_seconds", curve, "batch");
    this.loads = counter(
      "model_loads_total",
      "Times that a model was loaded because a camera asked for it, by outcome.",
      "outcome",
    );
    this.unloads = counter("model_unloads_total", "Times that a model was unloaded, by reason.", "reason");
    this.loadable = gauge(
      "model_loadable",
      "1 for a model that this worker runs or can load; 0 for a model that a camera asks for but that this worker cannot run.",
    );
    const read = (name: string, help: string, value: (readings: LoadedReadings) => number) => {
      const { loaded } = this;
      new Gauge({
        name: `sightline_inference_${name}`,
        help,
        labelNames: ["model"],
        registers,
        collect() {
          this.reset();
          for (const [model, readings] of loaded) this.set({ model }, value(readings));
        },
      });
    };
    read("slots", "Batch slots.", ({ slots }) => slots());
    read("slots_busy", "Batch slots that hold frames.", ({ busySlots }) => busySlots());
    read("session_up", "1 while the session takes batches, otherwise 0.", ({ up }) => Number(up()));
    read("session_restarts", "Times that the session's thread was started again.", ({ restarts }) =>
      restarts(),
    );
    read(
      "sessions_missing",
      "Sessions of the model that SIGHTLINE_SESSIONS asks for but that could not be opened; the log says why.",
      ({ missing }) => missing(),
    );
    read("model_memory_bytes", "Memory of a loaded model, measured when it was loaded.", ({ memoryBytes }) =>
      memoryBytes(),
    );
  }
}

/** The metrics of one model. */
export class ModelMetrics {
  /** Load of the last seconds, for the worker's announcement. */
  readonly load = new LoadMeter();
  /** Metrics that do not differ by model. */
  readonly all: WorkerMetrics;
  /** When it last ran, on the monotonic clock; 0 if never. */
  ranAt = 0;
  /** How many sessions share the work. */
  sessions = 1;
  readonly #model: string;
  readonly #series: ModelSeries;
  /** Labels that were set for the session, to be removed later. */
  #said: { gauge: Gauge; labels: Record<string, string> }[] = [];

  constructor(model: string, all: WorkerMetrics, series: ModelSeries) {
    this.#model = model;
    this.all = all;
    this.#series = series;
    for (const reason of ["run", "mismatch"]) this.#series.failed.inc({ model, reason }, 0);
  }

  /** The model is loaded: `readings` are read at each scrape. */
  loaded(readings: LoadedReadings): void {
    this.#series.loaded.set(this.#model, readings);
  }

  /** The model is no longer loaded. Counters stay. */
  unloaded(): void {
    this.#series.loaded.delete(this.#model);
    this.#forgetSession();
    this.#series.queueDepth.remove({ model: this.#model });
  }

  /** The session that runs now, replacing the one before. */
  session(worker: string, version: string, { engine, curve }: SessionInfo): void {
    const model = this.#model;
    const { info, curve: curves } = this.#series;
    this.#forgetSession();
    const { precision, provider } = engine;
    this.#say(info, { model, version, worker, precision, execution_provider: provider }, 1);
    for (const { batch, milliseconds } of curve)
      this.#say(curves, { model, batch: String(batch) }, milliseconds / 1000);
  }

  batch(size: number, runMs: number): void {
    const model = this.#model;
    this.ranAt = monotonicMs();
    const busyMs = runMs / this.sessions;
    this.load.add(size, busyMs);
    this.all.load.add(size, busyMs);
    this.#series.batchSize.observe({ model }, size);
    this.#series.runSeconds.observe({ model }, runMs / 1000);
    this.#series.busySeconds.inc({ model }, busyMs / 1000);
  }

  batchFailed(reason: "run" | "mismatch"): void {
    this.#series.failed.inc({ model: this.#model, reason });
  }

  dropped(camera: string, reason: DropReason): void {
    this.#series.dropped.inc({ model: this.#model, camera, reason: dropReasonLabel(reason) });
  }

  published(camera: string, detections: number, timings: StageTimings): void {
    const model = this.#model;
    this.#series.frames.inc({ model, camera });
    this.#series.detections.inc({ model, camera }, detections);
    const stages = {
      decode: timings.decodeUs,
      queue: timings.queueUs,
      batch: timings.batchUs,
      infer: timings.inferUs,
      post: timings.postUs,
    };
    for (const [stage, us] of Object.entries(stages))
      this.#series.stageSeconds.observe({ model, stage }, us / 1e6);
  }

  queueDepth(tokens: number): void {
    this.#series.queueDepth.set({ model: this.#model }, tokens);
  }

  loadEnded(outcome: "loaded" | "failed"): void {
    this.#series.loads.inc({ model: this.#model, outcome });
  }

  unloadedFor(reason: "unused" | "room"): void {
    this.#series.unloads.inc({ model: this.#model, reason });
  }

  loadable(can: boolean | undefined): void {
    if (can === undefined) this.#series.loadable.remove({ model: this.#model });
    else this.#series.loadable.set({ model: this.#model }, Number(can));
  }

  #say(gauge: Gauge, labels: Record<string, string>, value: number): void {
    gauge.set(labels, value);
    this.#said.push({ gauge, labels });
  }

  #forgetSession(): void {
    for (const { gauge, labels } of this.#said.splice(0)) gauge.remove(labels);
  }
}

/** All Prometheus metrics of this service. */
export class InferenceMetrics extends WorkerMetrics {
  readonly #series: ModelSeries;
  readonly #models = new Map<string, ModelMetrics>();

  constructor(registry: Registry) {
    super(registry);
    this.#series = new ModelSeries(registry);
  }

  /** The metrics of one model; the same object each time. */
  of(model: string): ModelMetrics {
    let found = this.#models.get(model);
    if (!found) {
      found = new ModelMetrics(model, this, this.#series);
      this.#models.set(model, found);
    }
    return found;
  }

  /** Removes the series of a removed camera. */
  forget(camera: string): void {
    const { frames, detections, dropped } = this.#series;
    for (const model of this.#models.keys()) {
      frames.remove({ camera, model });
      detections.remove({ camera, model });
      for (const reason of dropReasons) dropped.remove({ camera, model, reason: dropReasonLabel(reason) });
    }
  }
}
