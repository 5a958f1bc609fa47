import { type Msg, type NatsConnection, RequestError } from "@nats-io/transport-node";
import {
  cameraName,
  encodeJson,
  type FrameMetadata,
  type FrameRequest,
  readFrame,
  subjects,
  type Token,
} from "@sightline/contracts";
import { traceHeader } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";

/** A frame as it came from its holder. Times are monotonic milliseconds. */
export interface FetchedFrame {
  frame: FrameMetadata;
  /** View of the NATS message; good until the frame is copied. */
  pixels: Uint8Array;
  requestedAt: number;
  receivedAt: number;
  /** The frame's trace context, when it is traced. */
  trace: string | undefined;
}

export type FetchOutcome =
  | ({ kind: "frame" } & FetchedFrame)
  /** The token is not good for a frame: used, superseded, or nobody holds the camera. */
  | { kind: "void" }
  /** The answer is no valid frame of that camera, so it cannot be said which frame is lost. */
  | { kind: "invalid"; error: Error }
  /** No answer; whether the frame was handed out is not known. */
  | { kind: "unanswered"; error: Error };

/** Asks the holders of cameras for frames. */
export class FrameSource {
  readonly #connection: NatsConnection;
  readonly #worker: string;
  readonly #timeoutMs: number;

  constructor(connection: NatsConnection, worker: string, timeoutMs = 2_000) {
    this.#connection = connection;
    this.#worker = worker;
    this.#timeoutMs = timeoutMs;
  }

  /** The frame behind a token. Never throws; every way it can go is an outcome. */
  async fetch(token: Token): Promise<FetchOutcome> {
    const request: FrameRequest = { epoch: token.epoch, token: token.id, worker: this.#worker };
    const requestedAt = monotonicMs();
    let answer: Msg;
    try {
      const subject = subjects.frameGet(token.camera);
      answer = await this.#connection.request(subject, encodeJson(request), { timeout: this.#timeoutMs });
    } catch (error) {
      if (error instanceof RequestError && error.isNoResponders()) return { kind: "void" };
      return { kind: "unanswered", error: error as Error };
    }
    const { data } = answer;
    if (data.byteLength === 0) return { kind: "void" };
    try {
      const { frame, pixels } = readFrame(data);
      if (frame.camera !== cameraName(token.camera) || frame.epoch !== token.epoch)
        throw new Error(`asked for ${token.camera}:${token.epoch}, got ${frame.camera}:${frame.epoch}`);
      const trace = answer.headers?.get(traceHeader) || undefined;
      return { kind: "frame", frame, pixels, requestedAt, receivedAt: monotonicMs(), trace };
    } catch (error) {
      return { kind: "invalid", error: error as Error };
    }
  }
}
