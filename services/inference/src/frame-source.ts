import { headers, type Msg, type MsgHdrs, NoRespondersError } from "@nats-io/transport-node";
import {
  arenaHeader,
  cameraName,
  encodeJson,
  type FrameHandle,
  type FrameMetadata,
  type FrameRequest,
  type FrameToken,
  type PixelFormatName,
  pixelFormatHeader,
  readFrameAnswer,
  subjects,
} from "@sightline/contracts";
import type { ArenaReaders } from "@sightline/frame-arena";
import { type Nats, Requests, traceHeader } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";

/** A frame as its holder sent it. Times are monotonic milliseconds. */
export interface FetchedFrame {
  frame: FrameMetadata;
  /** View of the NATS message, or the place in shared memory. Valid until the worker has answered for the frame. */
  pixels: Uint8Array | FrameHandle;
  requestedAt: number;
  receivedAt: number;
  /** The frame's trace context, if the frame is traced. */
  trace: string | undefined;
}

export type FetchOutcome =
  | ({ kind: "frame" } & FetchedFrame)
  /** The token gives no frame: it was used or superseded, or nobody holds the camera. */
  | { kind: "void" }
  /** The answer is not a valid frame of that camera, so it is unknown which frame is lost. */
  | { kind: "invalid"; error: Error }
  /** No answer; it is unknown whether the frame was handed out. */
  | { kind: "unanswered"; error: Error };

const mostHeaders = 8;

/** Requests frames from the holders of cameras. */
export class FrameSource {
  readonly #requests: Requests;
  readonly #worker: string;
  readonly #arenas: Pick<ArenaReaders, "readable" | "discover">;
  readonly #timeoutMs: number;
  /** Headers, by the text they send to holders. */
  readonly #headers = new Map<string, MsgHdrs>();

  constructor(
    { connection, changes }: Pick<Nats, "connection" | "changes">,
    worker: string,
    arenas: Pick<ArenaReaders, "readable" | "discover">,
    timeoutMs = 2_000,
  ) {
    this.#requests = new Requests(connection, changes);
    this.#worker = worker;
    this.#arenas = arenas;
    this.#timeoutMs = timeoutMs;
  }

  /** The frame for a token, laid out as `format` or as gbrp. Never throws; every result is an outcome. */
  fetch(token: FrameToken, format: PixelFormatName): Promise<FetchOutcome> {
    const request: FrameRequest = { epoch: token.epoch, token: token.id, worker: this.#worker };
    const requestedAt = monotonicMs();
    const options = { timeoutMs: this.#timeoutMs, headers: this.#told(format) };
    return new Promise((resolve) =>
      this.#requests.send(subjects.frameGet(token.camera), encodeJson(request), options, (error, answer) => {
        if (answer) resolve(this.#read(token, answer, requestedAt));
        else if (error instanceof NoRespondersError) resolve({ kind: "void" });
        else resolve({ kind: "unanswered", error: error! });
      }),
    );
  }

  #read(token: FrameToken, answer: Msg, requestedAt: number): FetchOutcome {
    const { data } = answer;
    if (data.byteLength === 0) return { kind: "void" };
    try {
      const { frame, pixels } = readFrameAnswer(data);
      if (frame.camera !== cameraName(token.camera) || frame.epoch !== token.epoch)
        throw new Error(`asked for ${token.camera}:${token.epoch}, got ${frame.camera}:${frame.epoch}`);
      const arena = answer.headers?.get(arenaHeader);
      if (arena) this.#arenas.discover(arena);
      const trace = answer.headers?.get(traceHeader) || undefined;
      return { kind: "frame", frame, pixels, requestedAt, receivedAt: monotonicMs(), trace };
    } catch (error) {
      return { kind: "invalid", error: error as Error };
    }
  }

  /**
   * Headers with the arenas that this worker can read, and the format; undefined where there are no arenas and the format
   * is gbrp.
   */
  #told(format: PixelFormatName): MsgHdrs | undefined {
    const { readable } = this.#arenas;
    if (readable === "" && format === "gbrp") return undefined;
    const key = `${format} ${readable}`;
    let told = this.#headers.get(key);
    if (!told) {
      // Arenas appear and disappear with their ingests.
      if (this.#headers.size >= mostHeaders) this.#headers.clear();
      told = headers();
      if (readable !== "") told.set(arenaHeader, readable);
      if (format !== "gbrp") told.set(pixelFormatHeader, format);
      this.#headers.set(key, told);
    }
    return told;
  }
}
