import type { LivePicture } from "@sightline/contracts";
import type { PictureMessage } from "../api/binary-message.ts";

/** A place that shows one camera's pictures. It owns the bitmaps that it receives. */
export interface PictureSurface {
  draw(head: LivePicture, bitmap: ImageBitmap): void;
}

interface Pending {
  head: LivePicture;
  bitmap: ImageBitmap;
}

/**
 * Decodes pictures off the main thread and draws all that are ready in one animation frame. If a newer picture of the same camera arrives
 * before the next animation frame, the older one is not drawn.
 */
class PicturePainter {
  /** A picture has been drawn or skipped: the server may send the next one. */
  onDone: (camera: string) => void = () => {};
  /** Animation frames per second, measured over the last second while pictures came. */
  onPace: (framesPerSecond: number) => void = () => {};

  readonly #surfaces = new Map<string, PictureSurface>();
  readonly #pending = new Map<string, Pending>();
  #frame = 0;
  #frames = 0;
  #since = 0;
  #lastPicture = 0;

  /** Passes a camera's pictures to `surface` until the returned function is called. */
  attach(camera: string, surface: PictureSurface): () => void {
    this.#surfaces.set(camera, surface);
    return () => {
      if (this.#surfaces.get(camera) === surface) this.#surfaces.delete(camera);
    };
  }

  receive({ head, jpeg }: PictureMessage): void {
    if (!this.#surfaces.has(head.camera)) {
      this.onDone(head.camera);
      return;
    }
    createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })).then(
      (bitmap) => this.#ready(head, bitmap),
      () => this.onDone(head.camera),
    );
  }

  #ready(head: LivePicture, bitmap: ImageBitmap): void {
    const waiting = this.#pending.get(head.camera);
    if (waiting) {
      waiting.bitmap.close();
      this.onDone(head.camera);
    }
    this.#pending.set(head.camera, { head, bitmap });
    this.#lastPicture = performance.now();
    if (this.#frame !== 0) return;
    this.#since = this.#lastPicture;
    this.#frames = 0;
    this.#frame = requestAnimationFrame(this.#draw);
  }

  readonly #draw = (now: number) => {
    for (const [camera, { head, bitmap }] of this.#pending) {
      const surface = this.#surfaces.get(camera);
      if (surface) surface.draw(head, bitmap);
      else bitmap.close();
      this.onDone(camera);
    }
    this.#pending.clear();
    this.#measure(now);
    // It continues between pictures to measure the page's frame rate, and stops when none come.
    this.#frame = now - this.#lastPicture < 1_000 ? requestAnimationFrame(this.#draw) : 0;
  };

  #measure(now: number): void {
    this.#frames++;
    const elapsed = now - this.#since;
    if (elapsed < 1_000) return;
    // A hidden page draws nothing; that says nothing about its speed.
    if (elapsed < 3_000) this.onPace((this.#frames * 1_000) / elapsed);
    this.#since = now;
    this.#frames = 0;
  }
}

export const drawPictures = new PicturePainter();
