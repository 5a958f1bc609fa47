import type { LivePicture } from "@sightline/contracts";
import type { PictureMessage } from "../api/binary-message.ts";

/** Something that shows the pictures of one camera. It owns the bitmap that it is given. */
export interface PictureSurface {
  draw(head: LivePicture, bitmap: ImageBitmap): void;
}

interface Pending {
  head: LivePicture;
  bitmap: ImageBitmap;
}

/**
 * Decodes pictures off the main thread and draws those that are ready in one animation frame, all together. A picture
 * that is overtaken by a newer one of its camera before the next animation frame is not drawn.
 */
class PicturePainter {
  /** A picture has been drawn, or will not be: the server may send the next. */
  onDone: (camera: string) => void = () => {};
  /** Animation frames in the second that has passed while pictures came. */
  onPace: (framesPerSecond: number) => void = () => {};

  readonly #surfaces = new Map<string, PictureSurface>();
  readonly #pending = new Map<string, Pending>();
  #frame = 0;
  #frames = 0;
  #since = 0;
  #lastPicture = 0;

  /** Gives a camera's pictures to `surface` until the returned function is called. */
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
    // Goes on between pictures, or the page's frame rate would not be known; stops when none come.
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
