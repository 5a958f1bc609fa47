import type { LiveMessage, LiveRequest } from "@sightline/contracts";
import { Backoff } from "@sightline/contracts/backoff";
import { type PictureMessage, parsePictureMessage } from "./binary-message.ts";
import { retryRange } from "./request.ts";

export interface LiveHandlers {
  /** Connected; earlier data may be out of date. */
  onOpen(): void;
  /** Not connected; it keeps trying. */
  onLost(): void;
  onMessage(message: LiveMessage): void;
  onPicture(picture: PictureMessage): void;
}

/** A server that sends samples sends them every second; if it is silent for this long, it counts as gone. */
const silenceMs = 15_000;

/** The WebSocket to the server; it reconnects whenever the connection breaks. */
export class LiveConnection {
  readonly #handlers: LiveHandlers;
  #socket: WebSocket | undefined;
  readonly #backoff = new Backoff(retryRange);
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #lastHeard = 0;
  #stopped = false;

  constructor(handlers: LiveHandlers) {
    this.#handlers = handlers;
  }

  start(): void {
    this.#stopped = false;
    this.#backoff.reset();
    addEventListener("online", this.#retryNow);
    document.addEventListener("visibilitychange", this.#retryNow);
    this.#connect();
  }

  /** Sends if connected; otherwise the message is dropped, since it would be out of date later. */
  send(message: LiveRequest): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  stop(): void {
    this.#stopped = true;
    removeEventListener("online", this.#retryNow);
    document.removeEventListener("visibilitychange", this.#retryNow);
    clearTimeout(this.#retry);
    this.#socket?.close();
  }

  #connect(): void {
    clearTimeout(this.#retry);
    const socket = new WebSocket(
      `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/live`,
    );
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => {
      this.#handlers.onOpen();
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      this.#backoff.reset();
      this.#lastHeard = performance.now();
      this.#receive(data);
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#lost();
    };
  }

  #receive(data: string | ArrayBuffer): void {
    if (typeof data === "string") {
      const message = JSON.parse(data) as LiveMessage;
      if (message.type === "samples") this.#watchForSilence();
      this.#handlers.onMessage(message);
      return;
    }
    const picture = parsePictureMessage(data);
    if (picture) this.#handlers.onPicture(picture);
  }

  #watchForSilence(): void {
    this.#silence ??= setInterval(() => {
      // Timers of a hidden page run late, and so would this one.
      if (!document.hidden && performance.now() - this.#lastHeard > silenceMs) this.#giveUp();
    }, 5_000);
  }

  /** A hanging connection may take minutes to close; this does not wait for it. */
  #giveUp(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.#lost();
  }

  #lost(): void {
    clearInterval(this.#silence);
    this.#silence = undefined;
    this.#socket = undefined;
    if (this.#stopped) return;
    this.#handlers.onLost();
    this.#retry = setTimeout(() => this.#connect(), this.#backoff.fail());
  }

  readonly #retryNow = () => {
    if (!document.hidden && this.#socket === undefined && !this.#stopped) this.#connect();
  };
}
