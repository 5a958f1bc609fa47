import { type DropReason, dropReasonLabel, dropReasons, type StageTimings } from "@sightline/contracts";
import type { ReadFailure } from "@sightline/frame-arena";
import { latencyBuckets } from "@sightline/service";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { LoadMeter } from "./load-meter.ts";
import type { SessionInfo } from "./session-messages.ts";

/** How the use of a token ended. */
export type TokenOutcome = "frame" | "void" | "unanswered" | "invalid" | "returned";

/** Everything this service tells Prometheus. */
export class InferenceMetrics {
  /** Of the last seconds, for what the worker announces of itself. */
  readonly load = new LoadMeter();
  readonly #frames: Counter;
  readonly #dropped: Counter;
  readonly #detections: Counter;
  readonly #tokens: Counter;
  readonly #redelivered: Counter;
  readonly #received: Counter;
  readonly #unread: Counter;
  readonly #batchSize: Histogram;
  readonly #runSeconds: Histogram;
  readonly #failed: Counter;
  readonly #busySeconds: Counter;
  readonly #stageSeconds: Histogram;
  readonly #publications: Counter;
  readonly #queueDepth: Gauge;
  readonly #info: Gauge;
  readonly #curve: Gauge;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
    const registers = [registry];
    this.#frames = new Counter({
      name: "sightline_inference_frames_total",
      help: "Frames whose detections are in the stream.",
      labelNames: ["camera"],
      registers,
    });
    this.#dropped = new Counter({
      name: "sightline_inference_frames_dropped_total",
      help: "Frames taken by this worker and not inferred, by reason.",
      labelNames: ["camera", "reason"],
      registers,
    });
    this.#detections = new Counter({
      name: "sightline_inference_detections_total",
      help: "Objects published.",
      labelNames: ["camera"],
      registers,
    });
    this.#tokens = new Counter({
      name: "sightline_inference_tokens_total",
      help: "Tokens taken, by what became of them.",
      labelNames: ["outcome"],
      registers,
    });
    this.#redelivered = new Counter({
      name: "sightline_inference_tokens_redelivered_total",
      help: "Tokens that had been delivered before.",
      registers,
    });
    this.#received = new Counter({
      name: "sightline_inference_frames_received_total",
      help: "Frames as they came from ingest: by a handle of shared memory, or as bytes.",
      labelNames: ["as"],
      registers,
    });
    for (const as of ["handle", "bytes"]) this.#received.inc({ as }, 0);
    this.#unread = new Counter({
      name: "sightline_inference_frames_unread_total",
      help: "Frames that could not be read from shared memory: torn, ingest had used the memory again; failed, the system did not let them be read.",
      labelNames: ["reason"],
      registers,
    });
    for (const reason of ["torn", "failed"]) this.#unread.inc({ reason }, 0);
    this.#batchSize = new Histogram({
      name: "sightline_inference_batch_size",
      help: "Frames in a batch.",
      buckets: [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64],
      registers,
    });
    this.#runSeconds = new Histogram({
      name: "sightline_inference_run_seconds",
      help: "Duration of one run of the model.",
      buckets: latencyBuckets,
      registers,
    });
    this.#failed = new Counter({
      name: "sightline_inference_batches_failed_total",
      help: "Batches whose frames were all dropped, by reason: the run failed, or it was not certain whose boxes are whose.",
      labelNames: ["reason"],
      registers,
    });
    for (const reason of ["run", "mismatch"]) this.#failed.inc({ reason }, 0);
    this.#busySeconds = new Counter({
      name: "sightline_inference_busy_seconds_total",
      help: "Time in which the model ran; its rate is the session's utilisation.",
      registers,
    });
    this.#stageSeconds = new Histogram({
      name: "sightline_inference_stage_seconds",
      help: "Where a frame's time went up to its publication.",
      labelNames: ["stage"],
      buckets: latencyBuckets,
      registers,
    });
    this.#publications = new Counter({
      name: "sightline_inference_publications_total",
      help: "Publications of a frame's detections, by how they ended.",
      labelNames: ["outcome"],
      registers,
    });
    this.#queueDepth = new Gauge({
      name: "sightline_inference_queue_depth",
      help: "Tokens of this model that wait for a worker.",
      registers,
    });
    this.#info = new Gauge({
      name: "sightline_inference_info",
      help: "Constant 1, labelled with what runs.",
      labelNames: ["model", "version", "precision", "execution_provider", "worker"],
      registers,
    });
    this.#curve = new Gauge({
      name: "sightline_inference_batch_curve_seconds",
      help: "Median duration of one run at each batch size, measured at start.",
      labelNames: ["batch"],
      registers,
    });
  }

  /** Gauges whose values are read at each scrape. */
  observe(read: {
    slots: () => number;
    busySlots: () => number;
    restarts: () => number;
    up: () => boolean;
  }): void {
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(value());
        },
      });
    gauge("sightline_inference_slots", "Batch slots.", read.slots);
    gauge("sightline_inference_slots_busy", "Batch slots that hold frames.", read.busySlots);
    gauge("sightline_inference_session_up", "1 while the session takes batches.", () => Number(read.up()));
    gauge(
      "sightline_inference_session_restarts",
      "Times the session's thread was started again.",
      read.restarts,
    );
  }

  /** What runs now, in place of what ran before. */
  session(model: string, worker: string, version: string, { engine, curve }: SessionInfo): void {
    this.#info.reset();
    this.#info.set(
      { model, version, worker, precision: engine.precision, execution_provider: engine.provider },
      1,
    );
    for (const { batch, milliseconds } of curve)
      this.#curve.set({ batch: String(batch) }, milliseconds / 1000);
  }

  token(outcome: TokenOutcome): void {
    this.#tokens.inc({ outcome });
  }

  redelivered(): void {
    this.#redelivered.inc();
  }

  received(as: "handle" | "bytes"): void {
    this.#received.inc({ as });
  }

  readFailed(reason: ReadFailure): void {
    this.#unread.inc({ reason });
  }

  batch(size: number, runMs: number): void {
    this.load.add(size, runMs);
    this.#batchSize.observe(size);
    this.#runSeconds.observe(runMs / 1000);
    this.#busySeconds.inc(runMs / 1000);
  }

  batchFailed(reason: "run" | "mismatch"): void {
    this.#failed.inc({ reason });
  }

  dropped(camera: string, reason: DropReason): void {
    this.#dropped.inc({ camera, reason: dropReasonLabel(reason) });
  }

  published(camera: string, detections: number, timings: StageTimings): void {
    this.#frames.inc({ camera });
    this.#detections.inc({ camera }, detections);
    const stages = {
      decode: timings.decodeUs,
      queue: timings.queueUs,
      batch: timings.batchUs,
      infer: timings.inferUs,
      post: timings.postUs,
    };
    for (const [stage, us] of Object.entries(stages)) this.#stageSeconds.observe({ stage }, us / 1e6);
  }

  publication(outcome: string): void {
    this.#publications.inc({ outcome });
  }

  queueDepth(tokens: number): void {
    this.#queueDepth.set(tokens);
  }

  /** A removed camera's series go. */
  forget(camera: string): void {
    this.#frames.remove({ camera });
    this.#detections.remove({ camera });
    for (const reason of dropReasons) this.#dropped.remove({ camera, reason: dropReasonLabel(reason) });
  }
}
