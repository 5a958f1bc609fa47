import type { FrameDetections } from "@sightline/contracts";

/** Pictures of a camera that may be on their way to a browser, or wait there to be drawn. */
const maxUndrawn = 2;

/** What a browser wants of one camera's pictures, and how many it has not drawn yet. */
export class PictureWatch {
  width: number;
  maxFps: number;
  #undrawn = 0;
  #nextAt = Number.NEGATIVE_INFINITY;
  /** The newest frame that arrived while too many were undrawn. */
  #missed: FrameDetections | undefined;
  #sent: { epoch: string; number: number } | undefined;

  constructor(width: number, maxFps: number) {
    this.width = width;
    this.maxFps = maxFps;
  }

  /** Whether to fetch this frame's picture now; it then counts as undrawn until `drawn`. */
  admit(frame: FrameDetections, now: number): boolean {
    if (this.#undrawn >= maxUndrawn) {
      this.#missed = frame;
      return false;
    }
    // A quarter of the interval early is accepted, because frames arrive unevenly.
    const interval = 1000 / this.maxFps;
    if (now < this.#nextAt - interval / 4) return false;
    this.#nextAt = Math.max(this.#nextAt, now - interval) + interval;
    this.#missed = undefined;
    this.#undrawn++;
    return true;
  }

  /** A picture was drawn, or was not sent after all. Returns a missed frame that can be sent instead, if there is one. */
  drawn(): FrameDetections | undefined {
    this.#undrawn = Math.max(0, this.#undrawn - 1);
    const missed = this.#missed;
    this.#missed = undefined;
    return missed;
  }

  /** Whether a picture is newer than the last one sent; if so, it becomes the last one. */
  advance(epoch: string, number: number): boolean {
    if (this.#sent?.epoch === epoch && number <= this.#sent.number) return false;
    this.#sent = { epoch, number };
    return true;
  }
}
