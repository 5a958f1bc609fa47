import {
  DropReason,
  type FrameDropped,
  type FrameHandle,
  type FrameId,
  type FrameMetadata,
  type PixelFormatName,
  pixelFormatName,
} from "@sightline/contracts";
import type { ArenaReaders, ReadFailure } from "@sightline/frame-arena";
import { convertPixels } from "@sightline/media";
import type { Logger } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";
import type { ModelManifest } from "@sightline/yolo-nas";
import type { Fill } from "./batch-slots.ts";
import { DurationEstimate } from "./duration-estimate.ts";
import type { ModelMetrics } from "./model-metrics.ts";

export interface FrameReaderOptions {
  model: ModelManifest;
  /** How the session reads frames. */
  pixelFormat: PixelFormatName;
  maxAgeMs: number;
  /** Reads frames from shared memory. */
  arenas: Pick<ArenaReaders, "read">;
  metrics: ModelMetrics;
  log: Logger;
}

/** A fetched frame: its pixels in a message, or where they are in shared memory. */
interface Fetched {
  id: FrameId;
  frame: FrameMetadata;
  pixels: Uint8Array | FrameHandle;
}

/** Decides which frames the model takes, and puts their pixels into their places in a batch. */
export class FrameReader {
  readonly #options: FrameReaderOptions;
  readonly #readMs = new DurationEstimate(0);

  constructor(options: FrameReaderOptions) {
    this.#options = options;
  }

  /** Average time of reading a frame from shared memory; 0 where all frames come in messages. */
  get readMs(): number {
    return this.#readMs.mean;
  }

  /**
   * Why a frame is not inferred; undefined if it is. Its age is a sum of durations, each measured by one host on its
   * monotonic clock, so hosts whose wall clocks differ or are changed agree on it. It is not known how much of `fetchMs`
   * passed before the frame was handed over, so all of it counts: the frame may count as older than it is, but not as
   * younger.
   */
  refusal(frame: FrameMetadata, fetchMs: number): FrameDropped["reason"] | undefined {
    const { model, maxAgeMs, log } = this.#options;
    const { width, height } = model.frame;
    if (frame.width !== width || frame.height !== height) {
      log.warn(
        { camera: frame.camera, model: model.name },
        `the frame is ${frame.width}x${frame.height} but the model takes ${width}x${height}; its ingest scales for another model`,
      );
      return DropReason.WORKER_ERROR;
    }
    return (frame.decodeUs + frame.queueUs) / 1000 + fetchMs > maxAgeMs ? DropReason.STALE : undefined;
  }

  /**
   * Puts a frame into its place. A frame in another layout, from an ingest of an earlier version, is converted. A frame
   * that cannot be read keeps its place, and `lost` is called.
   */
  filling({ id, frame, pixels }: Fetched, lost: () => void): Fill {
    const format = pixelFormatName(frame.pixelFormat);
    if (format === this.#options.pixelFormat)
      return pixels instanceof Uint8Array ? putting(pixels) : this.#reading(id, pixels, lost);
    return (place, done) => {
      const whole = pixels instanceof Uint8Array ? pixels : new Uint8Array(pixels.bytes);
      const convert = () => {
        convertPixels(whole, format, frame, place);
        done();
      };
      if (pixels instanceof Uint8Array) convert();
      else this.#reading(id, pixels, lost)(whole, convert);
    };
  }

  /** Reads a frame from shared memory without blocking this thread. */
  #reading(id: FrameId, handle: FrameHandle, lost: () => void): Fill {
    return (place, done) => {
      const begin = monotonicMs();
      this.#options.arenas.read(handle, place, (failure) => {
        if (failure) this.#failed(id, failure, lost);
        else this.#readMs.add(monotonicMs() - begin);
        done();
      });
    };
  }

  #failed({ camera, number: frame }: FrameId, failure: ReadFailure, lost: () => void): void {
    const { metrics, log } = this.#options;
    metrics.all.readFailed(failure);
    log.warn({ camera, frame, failure }, "a frame could not be read from shared memory; it is dropped");
    lost();
  }
}

function putting(pixels: Uint8Array): Fill {
  return (place, done) => {
    place.set(pixels);
    done();
  };
}
