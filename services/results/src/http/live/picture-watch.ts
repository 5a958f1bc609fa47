import type { FrameDetections } from "@sightline/contracts";

/** Pictures of a camera that may be on their way to a browser or wait there to be drawn. */
const maxUndrawn = 2;

/** What a browser wants of one camera's pictures, and how many it has not drawn yet. */
export class PictureWatch {
  width: number;
  maxFps: number;
  #undrawn = 0;
  #nextAt = Number.NEGATIVE_INFINITY;
  /** The newest frame that came while too many were undrawn. */
  #missed: FrameDetections | undefined;
  #sent: { epoch: string; number: number } | undefined;

  constructor(width: number, maxFps: number) {
    this.width = width;
    this.maxFps = maxFps;
  }

  /** Whether the picture of this frame is to be got now; then it counts as undrawn until `drawn`. */
  admit(frame: FrameDetections, now: number): boolean {
    if (this.#undrawn >= maxUndrawn) {
      this.#missed = frame;
      return false;
    }
    // A quarter of the interval early is in time: frames come unevenly.
    const interval = 1000 / this.maxFps;
    if (now < this.#nextAt - interval / 4) return false;
    this.#nextAt = Math.max(this.#nextAt, now - interval) + interval;
    this.#missed = undefined;
    this.#undrawn++;
    return true;
  }

  /** A picture has been drawn, or was never sent. Returns the frame that can go instead, if one was missed. */
  drawn(): FrameDetections | undefined {
    this.#undrawn = Math.max(0, this.#undrawn - 1);
    const missed = this.#missed;
    this.#missed = undefined;
    return missed;
  }

  /** Whether a picture is newer than the one sent last; then it is the one sent last. */
  advance(epoch: string, number: number): boolean {
    if (this.#sent?.epoch === epoch && number <= this.#sent.number) return false;
    this.#sent = { epoch, number };
    return true;
  }
}
