import { cameraIdOf, type FrameDetections } from "@sightline/contracts";
import { latencyBuckets, traceIdOf } from "@sightline/service";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { FeedObserver } from "./feeds/feed.ts";
import { type FrameLatencies, timedStages } from "./frame-latencies.ts";

/** Metrics of the results service. A camera's series are removed with the camera. */
export class ResultsMetrics {
  /** Metrics of frames on their way to subscribers. */
  readonly detectionFeed: FeedObserver;
  /** Metrics of event messages on their way to subscribers. */
  readonly eventFeed: FeedObserver;
  readonly #stage: Histogram<"stage">;
  /** `trace_id` is only a label of its exemplars. */
  readonly #latency: Histogram<"camera" | "trace_id">;
  readonly #detections: Counter<"camera" | "class">;
  readonly #calls: Counter<"method" | "code">;
  readonly #classes = new Map<string, Set<string>>();
  readonly #isRegistered: (camera: string) => boolean;
  readonly #latencies: Pick<FrameLatencies, "of">;
  readonly #exemplars: boolean;

  /** `isRegistered` prevents a frame that arrives after its camera was removed from creating the series again. */
  constructor(
    registry: Registry,
    read: { subscribers: () => number; eventSubscribers: () => number },
    isRegistered: (camera: string) => boolean,
    latencies: Pick<FrameLatencies, "of">,
  ) {
    this.#latencies = latencies;
    const registers = [registry];
    this.#isRegistered = isRegistered;
    this.#exemplars = (registry.contentType as string) === Registry.OPENMETRICS_CONTENT_TYPE;
    this.#stage = new Histogram({
      name: "sightline_frame_stage_seconds",
      help: "Time of a frame in each stage. Stage deliver is the wait for a subscriber's connection.",
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
      enableExemplars: this.#exemplars,
    });
    this.#detections = new Counter({
      name: "sightline_camera_detections_total",
      help: "Objects detected.",
      labelNames: ["camera", "class"],
      registers,
    });
    const counter = (name: string, help: string) =>
      new Counter({ name: `sightline_${name}`, help, registers });
    const gauge = (name: string, help: string) => new Gauge({ name: `sightline_${name}`, help, registers });
    const delivered = counter("events_delivered_total", "Frames handed to a subscriber's connection.");
    const skipped = counter("events_skipped_total", "Frames that a slow subscriber missed.");
    const timelineInvalid = counter(
      "timeline_invalid_total",
      "Messages in the timeline that could not be read.",
    );
    const lag = gauge("consumer_lag_messages", "Messages in the timeline that have not been read yet.");
    const wait = this.#stage.labels({ stage: "deliver" });
    this.detectionFeed = {
      delivered(frames, seconds) {
        delivered.inc(frames);
        if (seconds !== undefined) wait.observe(seconds);
      },
      skipped: (frames) => skipped.inc(frames),
      invalid: () => timelineInvalid.inc(),
      lag: (messages) => lag.set(messages),
    };
    const eventsDelivered = counter(
      "event_messages_delivered_total",
      "Messages about events handed to a subscriber's connection.",
    );
    const eventsInvalid = counter(
      "event_messages_invalid_total",
      "Messages in the stream of events that could not be read.",
    );
    const eventLag = gauge("event_lag_messages", "Messages about events that have not been read yet.");
    this.eventFeed = {
      delivered: (messages) => eventsDelivered.inc(messages),
      skipped: () => undefined,
      invalid: () => eventsInvalid.inc(),
      lag: (messages) => eventLag.set(messages),
    };
    this.#calls = new Counter({
      name: "sightline_grpc_calls_total",
      help: "gRPC calls that ended, by method and status code.",
      labelNames: ["method", "code"],
      registers,
    });
    new Gauge({
      name: "sightline_subscribers",
      help: "Subscribers that get detections now.",
      registers,
      collect() {
        this.set(read.subscribers());
      },
    });
    new Gauge({
      name: "sightline_event_subscribers",
      help: "Subscribers that get events now.",
      registers,
      collect() {
        this.set(read.eventSubscribers());
      },
    });
  }

  /** A frame was delivered to subscribers; `storedAt` is the server's time when it was stored. `trace`: its trace context, if it is traced. */
  frame(event: FrameDetections, storedAt: number, trace?: string): void {
    const age = this.#latencies.of(event, storedAt);
    if (age && event.timings)
      for (const [index, stage] of timedStages.entries())
        this.#stage.observe({ stage }, age.stagesMs[index]! / 1000);
    const camera = cameraIdOf(event.frame?.camera ?? "");
    if (!age || !camera || !this.#isRegistered(camera)) return;
    const value = age.ms / 1000;
    const traceId = this.#exemplars ? traceIdOf(trace) : undefined;
    if (traceId === undefined) this.#latency.observe({ camera }, value);
    else this.#latency.observe({ labels: { camera }, value, exemplarLabels: { trace_id: traceId } });
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
    for (const name of this.#classes.get(camera) ?? []) this.#detections.remove({ camera, class: name });
    this.#classes.delete(camera);
  }

  call(method: string, code: string): void {
    this.#calls.inc({ method, code });
  }
}
