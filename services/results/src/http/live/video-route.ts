import { setTimeout as delay } from "node:timers/promises";
import { cameraIdOf, type FrameDetections, type LiveDetectionsMessage } from "@sightline/contracts";
import { wallClockMs } from "@sightline/service/clock";
import type { FastifyInstance } from "fastify";
import type { WebSocket } from "ws";
import { ApiError } from "../../errors.ts";
import type { LiveVideo } from "../../recordings/live-video.ts";
import { requesterOf } from "../access/http-guard.ts";
import { endWith, keepPinging, type OpenSockets } from "./live-route.ts";
import { toLivePicture } from "./picture-message.ts";

/** Above this many waiting bytes no more video is fetched; ingest then drops the excess. */
const highWaterBytes = 1024 * 1024;
const waitMs = 20;
/** The connection ends because of a temporary problem; the reason contains the error's code. */
const tryAgainLater = 1013;

/** Sends cameras' own video to browsers, with its detections. */
export class VideoSockets {
  readonly #video: LiveVideo;
  readonly #sockets = new Map<WebSocket, { camera: string; gone: AbortController }>();

  constructor(video: LiveVideo) {
    this.#video = video;
  }

  /** A camera's frame was analysed: browsers that watch the camera get its detections, as text. */
  frame(event: FrameDetections): void {
    const id = cameraIdOf(event.frame?.camera ?? "");
    const watching = [...this.#sockets].filter(([, { camera }]) => camera === id);
    if (watching.length === 0) return;
    const picture = toLivePicture(event, wallClockMs());
    const message = JSON.stringify({ type: "detections", picture } satisfies LiveDetectionsMessage);
    for (const [socket] of watching) if (socket.bufferedAmount < highWaterBytes) socket.send(message);
  }

  /** Stops sending to this browser. */
  remove(socket: WebSocket): void {
    this.#sockets.get(socket)?.gone.abort();
    this.#sockets.delete(socket);
  }

  /** Serves a browser until it goes or the video ends. */
  async serve(camera: string, socket: WebSocket): Promise<void> {
    const gone = new AbortController();
    socket.once("close", () => gone.abort());
    this.#sockets.set(socket, { camera, gone });
    try {
      for await (const message of this.#video.open(camera, gone.signal)) {
        if (gone.signal.aborted) return;
        socket.send(message);
        while (socket.bufferedAmount > highWaterBytes && socket.readyState === socket.OPEN)
          await delay(waitMs);
      }
      socket.close(tryAgainLater, "ended");
    } catch (error) {
      if (!gone.signal.aborted && !(error instanceof ApiError)) throw error;
      socket.close(tryAgainLater, error instanceof ApiError ? error.code : "ended");
    } finally {
      this.#sockets.delete(socket);
      gone.abort();
    }
  }
}

/** Serves the WebSocket `/cameras/{camera}/video` of http-api.ts. */
export function videoRoute(app: FastifyInstance, videos: () => VideoSockets, sockets: OpenSockets): void {
  app.get<{ Params: { camera: string } }>(
    "/cameras/:camera/video",
    {
      websocket: true,
      schema: { hide: true } as object,
      preValidation: async (request) => {
        if (!request.ws)
          throw new ApiError("invalid_argument", "this is a WebSocket; connect with Upgrade: websocket");
        videos();
        sockets.reserve(requesterOf(request));
      },
    },
    (connection, request) => {
      const { params, log } = request;
      const principal = requesterOf(request);
      const release = sockets.open(connection, principal);
      const off = endWith(principal, connection, () => videos().remove(connection));
      const stopPinging = keepPinging(connection);
      // The error also closes the connection; there is nothing else to do.
      connection.on("error", () => connection.terminate());
      connection.on("close", () => {
        stopPinging();
        off();
        release();
      });
      videos()
        .serve(params.camera, connection)
        .catch((error) => {
          log.error({ err: error, camera: params.camera }, "live video failed");
          connection.terminate();
        });
    },
  );
}
