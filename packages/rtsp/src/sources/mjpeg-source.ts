import type { IncomingMessage } from "node:http";
import { CameraReason } from "@sightline/contracts";
import { CameraFaultError, faultError } from "../camera-fault.ts";
import type { CodedFrame } from "../frames/frame-assembler.ts";
import { MultipartReader } from "./multipart-reader.ts";
import type { PictureSource } from "./picture-source.ts";

/** JPEG pictures that come one after another in one HTTP answer. They have no times, so their arrival is used. */
export class MjpegSource implements PictureSource {
  readonly codec = "JPEG";
  readonly ticksPerSecond = 1e6;
  readonly offer = {
    video: { codec: "JPEG", width: undefined, height: undefined, framesPerSecond: undefined },
    videoTracks: 1,
  };
  readonly ended: Promise<CameraFaultError | undefined>;
  onPicture: ((picture: CodedFrame) => void) | undefined;
  readonly #body: IncomingMessage;
  readonly #boundary: string;
  readonly #end = Promise.withResolvers<CameraFaultError | undefined>();

  constructor(body: IncomingMessage, boundary: string) {
    this.#body = body;
    this.#boundary = boundary;
    this.ended = this.#end.promise;
    body.once("error", () => this.#finish(faultError(CameraReason.STREAM_ENDED)));
    body.once("close", () => this.#finish());
  }

  play(): void {
    let firstAt: number | undefined;
    const reader = new MultipartReader(this.#boundary, (data) => {
      const arrivedAt = performance.now();
      firstAt ??= arrivedAt;
      const ticks = Math.round((arrivedAt - firstAt) * 1000);
      this.onPicture?.({ data, ticks, key: true, orientation: 1, arrivedAt });
    });
    this.#body.on("data", (chunk: Buffer) => {
      try {
        reader.write(chunk);
      } catch (error) {
        if (!(error instanceof CameraFaultError)) throw error;
        this.#finish(error);
      }
    });
  }

  pause(): void {
    this.#body.pause();
  }

  resume(): void {
    this.#body.resume();
  }

  async stop(): Promise<void> {
    this.#finish();
  }

  #finish(fault?: CameraFaultError): void {
    this.#end.resolve(fault);
    this.#body.destroy();
  }
}
