import { CameraState, type RecordStreamStatus } from "@sightline/contracts";
import type { DeleteReason } from "@sightline/recording";
import { Counter, Gauge, type Registry } from "prom-client";
import type { CameraRecorder, RecordedCounts } from "./camera-recorder.ts";
import type { RecordingsOnDisk } from "./recordings.ts";

/** A camera that this process receives, and its recorder. */
interface Recorded {
  camera: string;
  recorder: CameraRecorder;
}

const reasons: readonly DeleteReason[] = ["room", "age", "unwanted", "asked"];

/** What is recorded, deleted and missing. */
export class RecordingMetrics {
  readonly #deleted: Counter<"reason">;

  constructor(registry: Registry, cameras: () => Recorded[], recordings: () => RecordingsOnDisk | undefined) {
    const registers = [registry];
    const count = (name: string, help: string, value: keyof RecordedCounts) =>
      new Counter({
        ...{ name: `sightline_${name}_total`, help, labelNames: ["camera"], registers },
        collect() {
          this.reset();
          for (const { camera, recorder } of cameras()) this.inc({ camera }, recorder.counts[value]);
        },
      });
    count("recording_frames", "Compressed frames that were recorded.", "pictures");
    count("recording_bytes", "Bytes that were written to recordings.", "bytes");
    count(
      "recording_frames_dropped",
      "Compressed frames that were not recorded because the disk was slow or full.",
      "dropped",
    );
    new Gauge({
      name: "sightline_recording_failed",
      help: "1 while a camera should be recorded but is not; its status says why. Otherwise 0.",
      labelNames: ["camera"],
      registers,
      collect() {
        this.reset();
        for (const { camera, recorder } of cameras())
          this.set({ camera }, recorder.status.message === "" ? 0 : 1);
      },
    });
    const ofStream = (name: string, help: string, value: (stream: RecordStreamStatus) => number) =>
      new Gauge({
        ...{ name: `sightline_record_stream_${name}`, help, labelNames: ["camera"], registers },
        collect() {
          this.reset();
          for (const { camera, recorder } of cameras()) {
            const { stream } = recorder.status;
            if (stream) this.set({ camera }, value(stream));
          }
        },
      });
    const { DOWN, LIVE } = CameraState;
    ofStream(
      "up",
      "1 while frames of a camera's separately recorded stream arrive, otherwise 0.",
      ({ state }) => (state === LIVE ? 1 : 0),
    );
    ofStream(
      "failed",
      "1 while a camera's separately recorded stream cannot be received; the camera's status says why. Otherwise 0.",
      ({ state }) => (state === DOWN ? 1 : 0),
    );
    ofStream(
      "frames_per_second",
      "Compressed frames of the separately recorded stream that arrived, over the last 5 seconds.",
      ({ captureFps }) => captureFps,
    );
    new Counter({
      name: "sightline_record_stream_reconnects_total",
      help: "Reconnections to the separately recorded stream since this process took the camera or the setting changed.",
      labelNames: ["camera"],
      registers,
      collect() {
        this.reset();
        for (const { camera, recorder } of cameras()) {
          const { stream } = recorder.status;
          if (stream) this.inc({ camera }, stream.reconnects);
        }
      },
    });
    new Gauge({
      name: "sightline_recordings_bytes",
      help: "Bytes of all recordings on this process's disk.",
      registers,
      collect() {
        this.set(recordings()?.folder?.index.bytes ?? 0);
      },
    });
    new Gauge({
      name: "sightline_recordings_limit_bytes",
      help: "Most bytes that recordings may take; above it the oldest are deleted. 0: nothing is recorded.",
      registers,
      collect() {
        const held = recordings();
        this.set(held?.enabled ? held.options.maxBytes : 0);
      },
    });
    this.#deleted = new Counter({
      name: "sightline_recordings_deleted_bytes_total",
      help: "Bytes of recordings that were deleted, by reason: to make room (room), for their age (age), because no event needs them (unwanted), or on request (asked).",
      labelNames: ["reason"],
      registers,
    });
    for (const reason of reasons) this.#deleted.inc({ reason }, 0);
  }

  deleted(reason: DeleteReason, bytes: number): void {
    this.#deleted.inc({ reason }, bytes);
  }
}
