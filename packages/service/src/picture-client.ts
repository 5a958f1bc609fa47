import { NoRespondersError, RequestError, TimeoutError } from "@nats-io/transport-node";
import {
  cameraIdOf,
  decodeJson,
  encodeJson,
  type FrameDetections,
  type PictureAnswer,
  type PictureOrigin,
  type PictureRequest,
  pictureAnswerSchema,
  pictureHeader,
  pictureSourceHeader,
  pictureSources,
  subjects,
} from "@sightline/contracts";
import { ServiceError } from "./errors.ts";
import type { Nats } from "./nats.ts";

const timeoutMs = 2_000;
/** A picture in the camera's own resolution needs a decoder, which must start first. */
const decodeTimeoutMs = 6_000;

/** A picture of a frame. */
export type Picture = Omit<Extract<PictureAnswer, { ok: true }>, "ok"> & {
  jpeg: Uint8Array;
  /** Undefined when an older ingest does not send it. */
  source?: PictureOrigin | undefined;
};

/** Why there is no picture: ingest's reason, or that no ingest answered. */
export class PictureError extends ServiceError {
  readonly reason: Extract<PictureAnswer, { ok: false }>["reason"] | "unreachable";

  constructor(reason: PictureError["reason"], message: string, options?: ErrorOptions) {
    super("picture_unavailable", message, options);
    this.reason = reason;
  }
}

/** Asks the ingest that holds a camera for pictures of its recent frames. */
export class PictureClient {
  readonly #nats: Pick<Nats, "connection">;

  constructor(nats: Pick<Nats, "connection">) {
    this.#nats = nats;
  }

  /** The picture of one frame, or of the newest when the request names none. @throws PictureError */
  async get(camera: string, request: PictureRequest): Promise<Picture> {
    let { answer, jpeg, source } = await this.#ask(camera, request);
    // An ingest of an earlier version refuses a request with the field `asked`.
    if (!answer.ok && answer.reason === "failed" && request.asked) {
      const { asked: _, ...plain } = request;
      ({ answer, jpeg, source } = await this.#ask(camera, plain));
    }
    if (!answer.ok) throw new PictureError(answer.reason, answer.message);
    const { ok: _, ...picture } = answer;
    return { ...picture, jpeg, source };
  }

  async #ask(
    camera: string,
    request: PictureRequest,
  ): Promise<{ answer: PictureAnswer; jpeg: Uint8Array; source: PictureOrigin | undefined }> {
    try {
      const reply = await this.#nats.connection.request(subjects.pictureGet(camera), encodeJson(request), {
        timeout: request.source === "camera" ? decodeTimeoutMs : timeoutMs,
      });
      const header = reply.headers?.get(pictureHeader) ?? "";
      const said = reply.headers?.get(pictureSourceHeader);
      const source = pictureSources.find((each) => each === said);
      return { answer: decodeJson(pictureAnswerSchema, Buffer.from(header)), jpeg: reply.data, source };
    } catch (cause) {
      const unreachable =
        cause instanceof NoRespondersError || cause instanceof TimeoutError || cause instanceof RequestError;
      throw new PictureError(
        unreachable ? "unreachable" : "failed",
        unreachable
          ? `no ingest answers for camera '${camera}'`
          : `the answer of the ingest of camera '${camera}' cannot be read`,
        { cause },
      );
    }
  }
}

/** Frames kept per camera: about as many as ingest keeps pictures for. */
export const mostRecentFrames = 48;

/** Detections of each camera's newest frames, to draw into their pictures. */
export class RecentDetections {
  /** Oldest first. */
  readonly #frames = new Map<string, FrameDetections[]>();

  add(frame: FrameDetections): void {
    const camera = cameraIdOf(frame.frame?.camera ?? "");
    if (camera === undefined) return;
    const frames = this.#frames.get(camera);
    if (!frames) this.#frames.set(camera, [frame]);
    else if (frames.push(frame) > mostRecentFrames) frames.shift();
  }

  /** Detections of one frame; undefined when they are unknown or already dropped. */
  find(camera: string, epoch: string, number: number): FrameDetections | undefined {
    return this.#frames
      .get(camera)
      ?.findLast(({ frame }) => frame?.number === number && frame.epoch === epoch);
  }

  /** Detections of the camera's newest frame. */
  newest(camera: string): FrameDetections | undefined {
    return this.#frames.get(camera)?.at(-1);
  }

  /** The camera has been removed. */
  forget(camera: string): void {
    this.#frames.delete(camera);
  }
}
