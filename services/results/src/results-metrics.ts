import { cameraIdOf, type FrameDetections, fromTimestamp, type StageTimings } from "@sightline/contracts";
import { latencyBuckets } from "@sightline/service";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { SubscriberObserver } from "./feeds/subscriber.ts";

const stages: Record<string, keyof StageTimings> = {
  decode: "decodeUs",
  queue: "queueUs",
  batch: "batchUs",
  infer: "inferUs",
  post: "postUs",
  track: "trackUs",
};

/** What is measured of the results service. Series of a camera are removed with it. */
export class ResultsMetrics implements SubscriberObserver {
  readonly #stage: Histogram<"stage">;
  readonly #latency: Histogram<"camera">;
  readonly #detections: Counter<"camera" | "class">;
  readonly #outOfOrder: Counter<"camera">;
  readonly #delivered: Counter;
  readonly #skipped: Counter;
  readonly #invalid: Counter;
  readonly #lag: Gauge;
  readonly #calls: Counter<"method" | "code">;
  readonly #classes = new Map<string, Set<string>>();
  readonly #isRegistered: (camera: string) => boolean;

  /** `isRegistered` keeps a frame that arrives after its camera was removed from bringing the series back. */
  constructor(
    registry: Registry,
    read: { subscribers: () => number; held: () => number },
    isRegistered: (camera: string) => boolean,
  ) {
    const registers = [registry];
    this.#isRegistered = isRegistered;
    this.#stage = new Histogram({
      name: "sightline_frame_stage_seconds",
      help: "Time of a frame in each stage; deliver is the wait for a subscriber's connection.",
      labelNames: ["stage"],
      buckets: latencyBuckets,
      registers,
    });
    this.#latency = new Histogram({
      name: "sightline_frame_latency_seconds",
      help: "Time from capture of a frame until its detections go to subscribers.",
      labelNames: ["camera"],
      buckets: latencyBuckets,
      registers,
    });
    this.#detections = new Counter({
      name: "sightline_camera_detections_total",
      help: "Objects detected.",
      labelNames: ["camera", "class"],
      registers,
    });
    this.#outOfOrder = new Counter({
      name: "sightline_frames_out_of_order_total",
      help: "Frames delivered after a later one because they came after the reorder window.",
      labelNames: ["camera"],
      registers,
    });
    this.#delivered = new Counter({
      name: "sightline_events_delivered_total",
      help: "Frames handed to a subscriber's connection.",
      registers,
    });
    this.#skipped = new Counter({
      name: "sightline_events_skipped_total",
      help: "Frames that a slow subscriber missed.",
      registers,
    });
    this.#invalid = new Counter({
      name: "sightline_detections_invalid_total",
      help: "Messages in the stream of detections that could not be read.",
      registers,
    });
    this.#lag = new Gauge({
      name: "sightline_consumer_lag_messages",
      help: "Messages in the stream of detections that have not been read yet.",
      registers,
    });
    this.#calls = new Counter({
      name: "sightline_grpc_calls_total",
      help: "gRPC calls that ended, by method and status code.",
      labelNames: ["method", "code"],
      registers,
    });
    new Gauge({
      name: "sightline_subscribers",
      help: "Subscribers of detections now.",
      registers,
      collect() {
        this.set(read.subscribers());
      },
    });
    new Gauge({
      name: "sightline_frames_held",
      help: "Frames that wait for the one before them now.",
      registers,
      collect() {
        this.set(read.held());
      },
    });
  }

  /** A frame's order is restored. */
  frame(event: FrameDetections, late: boolean): void {
    const { frame, timings } = event;
    if (timings)
      for (const [stage, field] of Object.entries(stages))
        this.#stage.observe({ stage }, timings[field] / 1e6);
    const camera = cameraIdOf(frame?.camera ?? "");
    if (!frame?.captureTime || !camera || !this.#isRegistered(camera)) return;
    const capturedAt = fromTimestamp(frame.captureTime);
    const now = performance.timeOrigin + performance.now();
    this.#latency.observe({ camera }, Math.max(0, now - capturedAt) / 1000);
    if (late) this.#outOfOrder.inc({ camera });
    const classes = this.#classes.get(camera) ?? new Set();
    this.#classes.set(camera, classes);
    for (const { className } of event.detections) {
      classes.add(className);
      this.#detections.inc({ camera, class: className });
    }
  }

  /** Removes the series of a camera. */
  forgetCamera(camera: string): void {
    this.#latency.remove({ camera });
    this.#outOfOrder.remove({ camera });
    for (const name of this.#classes.get(camera) ?? []) this.#detections.remove({ camera, class: name });
    this.#classes.delete(camera);
  }

  delivered(seconds: number): void {
    this.#delivered.inc();
    this.#stage.observe({ stage: "deliver" }, seconds);
  }

  skipped(frames: number): void {
    this.#skipped.inc(frames);
  }

  invalid(): void {
    this.#invalid.inc();
  }

  lag(messages: number): void {
    this.#lag.set(messages);
  }

  call(method: string, code: string): void {
    this.#calls.inc({ method, code });
  }
}
