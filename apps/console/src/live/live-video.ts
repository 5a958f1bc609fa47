import type { LiveDetectionsMessage, LivePicture, LiveVideoHead } from "@sightline/contracts";
import { Backoff } from "@sightline/contracts/backoff";
import { parseBinaryMessage } from "../api/binary-message.ts";
import { retryRange } from "../api/request.ts";
import { sentence } from "../words/names.ts";
import { DetectionTimes } from "./detection-times.ts";
import { MovieBuffer } from "./movie-buffer.ts";

/** A page that is hidden for longer than this gets no video. */
const hiddenMs = 5_000;
/** After this long without a picture the video no longer counts as live. */
const silentMs = 5_000;

export interface LiveVideoHandlers {
  /** The element shows a new picture; `picture` is the last analysed frame up to then, undefined when nothing is known. */
  onFrame(video: HTMLVideoElement, picture: LivePicture | undefined): void;
  /** No more pictures: for now, or for good if a reason is given (in words). */
  onLost(reason?: string): void;
}

/** Whether this browser supports what is needed: Media Source Extensions, and a callback for each shown picture. */
export const canPlayVideo =
  typeof MediaSource !== "undefined" && "requestVideoFrameCallback" in HTMLVideoElement.prototype;

/** Plays a camera's own video with a small delay, so that a picture's detections are known when it is shown. */
export class LiveVideo {
  readonly #camera: string;
  readonly #handlers: LiveVideoHandlers;
  readonly #video = document.createElement("video");
  readonly #detections = new DetectionTimes();
  readonly #buffer: MovieBuffer;
  #socket: WebSocket | undefined;
  readonly #backoff = new Backoff(retryRange);
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #hide: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(camera: string, handlers: LiveVideoHandlers) {
    this.#camera = camera;
    this.#handlers = handlers;
    this.#video.muted = true;
    this.#video.playsInline = true;
    this.#buffer = new MovieBuffer(this.#video, (reason) => this.#giveUp(reason));
    document.addEventListener("visibilitychange", this.#visible);
    this.#video.requestVideoFrameCallback(this.#shown);
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    document.removeEventListener("visibilitychange", this.#visible);
    for (const timer of [this.#retry, this.#silence, this.#hide]) clearTimeout(timer);
    this.#disconnect();
    this.#buffer.stop();
  }

  #connect(): void {
    if (this.#stopped || this.#socket) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const path = `/api/v1/cameras/${encodeURIComponent(this.#camera)}/video`;
    const socket = new WebSocket(`${scheme}://${location.host}${path}`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.#receive(data);
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.#socket = undefined;
      this.#handlers.onLost();
      this.#retry = setTimeout(() => this.#connect(), this.#backoff.fail());
    };
    this.#socket = socket;
  }

  #disconnect(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #receive(data: string | ArrayBuffer): void {
    if (typeof data === "string") {
      this.#detections.add((JSON.parse(data) as LiveDetectionsMessage).picture);
      this.#buffer.delaySeconds = this.#detections.delaySeconds;
      return;
    }
    const message = parseBinaryMessage(data);
    const head = message?.head as LiveVideoHead | undefined;
    if (!message || !head) return;
    if (head.type === "start") this.#buffer.start(head.codec, message.content);
    else if (head.type === "pictures") this.#buffer.add(head.times, message.content);
    else
      this.#giveUp(
        head.reason ? sentence(head.reason) : `This camera's video (${head.codec}) cannot be played here.`,
      );
  }

  /** Called by the browser for each picture that is shown. */
  readonly #shown = (_now: number, { mediaTime }: { mediaTime: number }) => {
    if (this.#stopped) return;
    this.#video.requestVideoFrameCallback(this.#shown);
    this.#backoff.reset();
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#handlers.onLost(), silentMs);
    const captureMs = this.#buffer.captureMsAt(mediaTime);
    this.#handlers.onFrame(this.#video, captureMs === undefined ? undefined : this.#detections.at(captureMs));
  };

  #giveUp(reason: string): void {
    if (this.#stopped) return;
    this.stop();
    this.#handlers.onLost(reason);
  }

  readonly #visible = () => {
    clearTimeout(this.#hide);
    if (document.hidden) this.#hide = setTimeout(() => this.#disconnect(), hiddenMs);
    else this.#connect();
  };
}
