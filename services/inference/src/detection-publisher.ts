import { setTimeout as delay } from "node:timers/promises";
import { headers } from "@nats-io/transport-node";
import {
  encodeJson,
  FrameDetections,
  type FrameDropped,
  type FrameId,
  type FrameMetadata,
  formatFrameId,
  subjects,
  tokenAckWaitMs,
} from "@sightline/contracts";
import { type Logger, type Nats, traceHeader } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";

/** The result of a publication. */
export type PublishOutcome =
  /** The stream has it, from this attempt or an earlier one. */
  | "stored"
  /** Its time was over before it was first sent: it is not in the stream. */
  | "late"
  /** It was sent, but never confirmed: ingest checks the stream. */
  | "unconfirmed";

const attemptMs = 1_000;
const retryMs = 100;

/** Publishes results to the stream, each exactly once, and notices about frames that will have none. */
export class DetectionPublisher {
  readonly #nats: Pick<Nats, "connection" | "connected" | "publisher">;
  readonly #log: Logger;

  constructor(nats: Pick<Nats, "connection" | "connected" | "publisher">, log: Logger) {
    this.#nats = nats;
    this.#log = log;
  }

  /**
   * Publishes a frame's detections under the frame's id until the stream confirms. Nothing is sent later than
   * tokenAckWaitMs after `requestedAt` (monotonic ms), because soon after that ingest decides without it. Nothing is sent
   * while disconnected either, because the library would keep it and send it when the server is back. `trace` is sent with
   * it.
   */
  async publish(
    id: FrameId,
    detections: FrameDetections,
    requestedAt: number,
    trace?: string,
  ): Promise<PublishOutcome> {
    const data = FrameDetections.encode(detections).finish();
    const deadline = requestedAt + tokenAckWaitMs;
    let sent = false;
    for (let remaining = deadline - monotonicMs(); remaining > 0; remaining = deadline - monotonicMs()) {
      if (this.#nats.connected()) {
        sent = true;
        const failure = await this.#attempt(id, data, Math.min(attemptMs, remaining), trace);
        if (!failure) return "stored";
        if (this.#nats.connection.isClosed()) return "unconfirmed";
        this.#log.debug(
          { frame: formatFrameId(id), err: failure },
          "a result is not confirmed yet; trying again",
        );
      }
      await delay(retryMs);
    }
    return sent ? "unconfirmed" : "late";
  }

  #attempt(
    id: FrameId,
    data: Uint8Array,
    timeoutMs: number,
    trace: string | undefined,
  ): Promise<Error | undefined> {
    const traced = trace === undefined ? undefined : headers();
    traced?.set(traceHeader, trace!);
    const options = { msgID: formatFrameId(id), headers: traced, timeoutMs };
    return new Promise((resolve) =>
      this.#nats.publisher.publish(subjects.detections(id.camera), data, options, resolve),
    );
  }

  /** Tells ingest and results that a frame will not be inferred. */
  drop(camera: string, frame: FrameMetadata, reason: FrameDropped["reason"]): void {
    if (this.#nats.connection.isClosed()) return;
    const { epoch, number, previousNumber } = frame;
    const notice: FrameDropped = { epoch, number, previousNumber, reason };
    this.#nats.connection.publish(subjects.frameDropped(camera), encodeJson(notice));
  }
}
