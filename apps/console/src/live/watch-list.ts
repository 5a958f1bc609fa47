import type { LiveRequest } from "@sightline/contracts";

type Watch = Extract<LiveRequest, { type: "watch" }>["cameras"][number];

/** Sizes and visibility change in bursts while the page scrolls. */
const settleMs = 150;
const mostCameras = 256;

/** Tells the server which cameras' pictures the page shows, in which size, and how many per second it can draw. */
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

  /** Requests pictures of a camera, `width` device pixels wide. */
  want(camera: string, width: number): void {
    // In steps, so that a few more pixels do not start another encoding on the server.
    const stepped = Math.min(1920, Math.max(160, Math.ceil(width / 160) * 160));
    if (this.#wanted.get(camera) === stepped) return;
    this.#wanted.set(camera, stepped);
    this.#settle();
  }

  unwant(camera: string): void {
    if (this.#wanted.delete(camera)) this.#settle();
  }

  /** Reports how many frames per second the page itself draws, once a second while pictures come. */
  interfacePace(framesPerSecond: number): void {
    if (this.#budget.report(framesPerSecond)) this.#settle();
  }

  /** The server has lost the requests. */
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

const mostPerSecond = 240;
const leastPerSecond = 24;
/** Below this the page feels slow. */
const smoothFps = 40;
const mostFps = 25;

/** How many pictures per second, over all cameras, the page can draw and stay smooth. */
export class PictureBudget {
  #perSecond = 160;

  /** Takes the page's own frame rate; returns whether the budget has changed. */
  report(framesPerSecond: number): boolean {
    const factor = framesPerSecond < smoothFps ? 0.7 : framesPerSecond > 55 ? 1.1 : 1;
    const next = Math.round(Math.min(mostPerSecond, Math.max(leastPerSecond, this.#perSecond * factor)));
    if (next === this.#perSecond) return false;
    this.#perSecond = next;
    return true;
  }

  /** Pictures per second for each of `cameras` cameras; in steps, so that small changes have no effect. */
  maxFps(cameras: number): number {
    const each = Math.min(mostFps, this.#perSecond / Math.max(1, cameras));
    return each >= 4 ? Math.floor(each) : Math.max(0.5, Math.floor(each * 2) / 2);
  }
}
