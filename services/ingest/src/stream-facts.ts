import { type CameraStatus, toTimestamp } from "@sightline/contracts";
import type { Decoding } from "@sightline/media";
import { wallClockMs } from "@sightline/service/clock";
import { AnalysisGap } from "./analysis-gap.ts";
import type { ArrivalSource } from "./frame-intake.ts";
import { RateMeter } from "./rate-meter.ts";

/** Why a frame's capture time is not the arrival of its own last packet. */
export const lateStampReasons = ["codec", "no_packet"] as const;
const reasonOf = { report: "codec", picture: "no_packet" } as const;

/** What is known of a camera's stream, over all its connections in one epoch. */
export class StreamFacts {
  readonly captured = new RateMeter();
  readonly inferred = new RateMeter();
  readonly analysis = new AnalysisGap();
  codec = "";
  width = 0;
  height = 0;
  /** What decodes it; undefined before the first connection. */
  decoding: Decoding | undefined;
  /** Times that a decoder on a GPU failed. */
  decoderFailures = 0;
  readonly #lateStamps = { codec: 0, no_packet: 0 };
  #connections = 0;
  #lastFrameAt: number | undefined;

  /** The stream's first packet came over a new connection. */
  connected(): void {
    this.#connections += 1;
  }

  /** A frame is in memory. */
  stamp(source: ArrivalSource): void {
    if (source !== "packets") this.#lateStamps[reasonOf[source]] += 1;
  }

  /** Frames with a capture time that may be late, for this reason. */
  lateStamps(reason: (typeof lateStampReasons)[number]): number {
    return this.#lateStamps[reason];
  }

  /** A frame was inferred. */
  infer(): void {
    this.inferred.mark();
    this.analysis.infer();
  }

  /** A picture was decoded, which is shown at this size. */
  picture(size: { width: number; height: number }): void {
    this.width = size.width;
    this.height = size.height;
    this.#lastFrameAt = performance.now();
  }

  /** Connections after the first. */
  get reconnects(): number {
    return Math.max(0, this.#connections - 1);
  }

  /** These facts as a part of the camera's status. */
  get status(): Pick<
    CameraStatus,
    | "lastFrameTime"
    | "sourceWidth"
    | "sourceHeight"
    | "codec"
    | "captureFps"
    | "inferenceFps"
    | "reconnects"
    | "decoder"
    | "decoderNote"
  > {
    return {
      lastFrameTime:
        this.#lastFrameAt === undefined ? undefined : toTimestamp(wallClockMs(this.#lastFrameAt)),
      sourceWidth: this.width,
      sourceHeight: this.height,
      codec: this.codec,
      captureFps: round(this.captured.perSecond),
      inferenceFps: round(this.inferred.perSecond),
      reconnects: this.reconnects,
      decoder: this.decoding?.decoder ?? "",
      decoderNote: this.decoding?.note ?? "",
    };
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
