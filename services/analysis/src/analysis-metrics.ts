import { type Event, EventPhase, EventType, enumName } from "@sightline/contracts";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

const analysisBuckets = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05];

/** The metrics of the analysis. */
export class AnalysisMetrics {
  readonly seconds: Histogram;
  readonly recoveries: Counter;
  readonly invalid: Counter;
  readonly #tracks: Gauge<"camera">;
  readonly #events: Counter<"camera" | "type" | "phase">;
  readonly #lag: Gauge<"camera">;
  readonly #outOfOrder: Counter<"camera">;
  readonly #losses: Counter<"camera">;
  readonly #lost: Counter<"camera">;
  readonly #stalled: Gauge<"camera">;

  constructor(registry: Registry, read: { cameras: () => number; framesHeld: () => number }) {
    const registers = [registry];
    this.seconds = new Histogram({
      name: "sightline_analysis_seconds",
      help: "Time to track a frame's objects and apply the rules to them.",
      buckets: analysisBuckets,
      registers,
    });
    this.recoveries = new Counter({
      name: "sightline_analysis_recoveries_total",
      help: "Times that a camera's analysis continued from what this process or another had stored.",
      registers,
    });
    this.invalid = new Counter({
      name: "sightline_detections_invalid_total",
      help: "Messages in the stream of detections that could not be read.",
      registers,
    });
    const labelNames = ["camera"] as const;
    this.#tracks = new Gauge({
      name: "sightline_tracks_active",
      help: "Objects that are tracked in the newest frame.",
      labelNames,
      registers,
    });
    this.#events = new Counter({
      name: "sightline_events_total",
      help: "Messages about events that were published.",
      labelNames: ["camera", "type", "phase"],
      registers,
    });
    this.#lag = new Gauge({
      name: "sightline_analysis_lag_messages",
      help: "Messages in the stream of detections that have not been analysed yet.",
      labelNames,
      registers,
    });
    this.#outOfOrder = new Counter({
      name: "sightline_frames_out_of_order_total",
      help: "Frames that came after a later frame and after the reorder window. Their objects are not tracked.",
      labelNames,
      registers,
    });
    this.#losses = new Counter({
      name: "sightline_frame_losses_total",
      help: "Times that inferred frames were deleted from the stream of detections before they were analysed.",
      labelNames,
      registers,
    });
    this.#lost = new Counter({
      name: "sightline_frames_lost_total",
      help: "Inferred frames that were deleted from the stream of detections before they were analysed; there may be fewer, never more.",
      labelNames,
      registers,
    });
    this.#stalled = new Gauge({
      name: "sightline_analysis_stalled",
      help: "1 while the analysis of a camera fails again and again in the same place, otherwise 0.",
      labelNames,
      registers,
    });
    new Gauge({
      name: "sightline_analysis_cameras",
      help: "Cameras that this process analyses now.",
      registers,
      collect() {
        this.set(read.cameras());
      },
    });
    new Gauge({
      name: "sightline_frames_held",
      help: "Frames that wait for the frame before them.",
      registers,
      collect() {
        this.set(read.framesHeld());
      },
    });
  }

  /** The series of a camera, while this process analyses it. */
  camera(camera: string): CameraMetrics {
    const kinds = new Map<string, { type: string; phase: string }>();
    let ended = false;
    for (const series of [this.#losses, this.#lost]) series.inc({ camera }, 0);
    this.#stalled.set({ camera }, 0);
    return {
      tracks: (count) => {
        if (!ended) this.#tracks.set({ camera }, count);
      },
      lag: (messages) => {
        if (!ended) this.#lag.set({ camera }, messages);
      },
      late: () => {
        if (!ended) this.#outOfOrder.inc({ camera });
      },
      lost: (frames) => {
        if (ended) return;
        this.#losses.inc({ camera });
        this.#lost.inc({ camera }, frames);
      },
      stalled: (isStalled) => {
        if (!ended) this.#stalled.set({ camera }, isStalled ? 1 : 0);
      },
      event: (event) => {
        if (ended) return;
        const kind = { type: enumName(EventType, event.type), phase: enumName(EventPhase, event.phase) };
        kinds.set(`${kind.type} ${kind.phase}`, kind);
        this.#events.inc({ camera, ...kind });
      },
      end: () => {
        ended = true;
        for (const series of [
          this.#tracks,
          this.#lag,
          this.#outOfOrder,
          this.#losses,
          this.#lost,
          this.#stalled,
        ])
          series.remove({ camera });
        for (const kind of kinds.values()) this.#events.remove({ camera, ...kind });
      },
    };
  }
}

/** The metrics of one camera's analysis. After its end, nothing is recorded. */
export interface CameraMetrics {
  tracks(count: number): void;
  lag(messages: number): void;
  /** A frame came after a later one. */
  late(): void;
  /** This many frames (or an unknown number) were removed before they were analysed. */
  lost(frames: number): void;
  /** Whether the analysis keeps failing at one place. */
  stalled(isStalled: boolean): void;
  event(event: Event): void;
  /** Removes the camera's series. */
  end(): void;
}
