import type { LiveRequest } from "@sightline/contracts";
import { PictureBudget } from "./picture-budget.ts";

type Watch = Extract<LiveRequest, { type: "watch" }>["cameras"][number];

/** Sizes and visibility change in bursts while scrolling. */
const settleMs = 150;
const mostCameras = 256;

/** Tells the server which cameras' pictures the page shows, how large, and how many a second it can take. */
export class WatchList {
  readonly #send: (cameras: Watch[]) => void;
  readonly #wanted = new Map<string, number>();
  readonly #budget = new PictureBudget();
  #sent = "[]";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (cameras: Watch[]) => void) {
    this.#send = send;
    document.addEventListener("visibilitychange", () => this.#update());
  }

  /** Wants pictures of a camera, `width` device pixels wide. */
  want(camera: string, width: number): void {
    // In steps, so that a few pixels more do not start another encoding on the server.
    const stepped = Math.min(1920, Math.max(160, Math.ceil(width / 160) * 160));
    if (this.#wanted.get(camera) === stepped) return;
    this.#wanted.set(camera, stepped);
    this.#settle();
  }

  unwant(camera: string): void {
    if (this.#wanted.delete(camera)) this.#settle();
  }

  /** Tells how many frames a second the page itself draws, once a second while pictures come. */
  interfacePace(framesPerSecond: number): void {
    if (this.#budget.report(framesPerSecond)) this.#settle();
  }

  /** The server has forgotten what was wanted. */
  resend(): void {
    this.#sent = "[]";
    this.#update();
  }

  #settle(): void {
    this.#timer ??= setTimeout(() => this.#update(), settleMs);
  }

  #update(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const shown = document.hidden ? [] : [...this.#wanted].slice(0, mostCameras);
    const maxFps = this.#budget.maxFps(shown.length);
    const cameras = shown.map(([id, width]) => ({ id, width, maxFps }));
    const text = JSON.stringify(cameras);
    if (text === this.#sent) return;
    this.#sent = text;
    this.#send(cameras);
  }
}
