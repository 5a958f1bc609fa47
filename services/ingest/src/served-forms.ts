import type { PixelFormatName, ServedModel, WorkerInfo } from "@sightline/contracts";

/** A form that no worker has requested for this long is given up. */
export const formKeptMs = 5 * 60_000;

/**
 * Which frames to make for a model whose workers do not all read the same form. If one of them reads I420, frames are I420:
 * workers that read gbrp get converted frames, and they are the slower ones. The form is kept for a while, because each
 * change restarts every camera's decoder.
 */
export class ServedForms {
  readonly #workers: () => readonly Pick<WorkerInfo, "model" | "pixelFormat">[];
  readonly #now: () => number;
  /** When a worker was last seen that reads I420, by model. */
  readonly #i420 = new Map<string, number>();

  /** `workers` are the ones present now. */
  constructor(
    workers: () => readonly Pick<WorkerInfo, "model" | "pixelFormat">[],
    now: () => number = () => performance.now(),
  ) {
    this.#workers = workers;
    this.#now = now;
  }

  /** A worker that reads I420 was present until now. Workers may not have requested the form for hours. */
  seen(model: string): void {
    this.#i420.set(model, this.#now());
  }

  /** What is served, with the form to make for it. */
  of<Served extends Pick<ServedModel, "name">>(
    served: Served | undefined,
  ): (Served & { pixelFormat: PixelFormatName }) | undefined {
    if (!served) return undefined;
    const now = this.#now();
    const { name } = served;
    if (this.#workers().some(({ model, pixelFormat }) => model === name && pixelFormat === "i420"))
      this.seen(name);
    const isI420 = now - (this.#i420.get(name) ?? -Infinity) < formKeptMs;
    return { ...served, pixelFormat: isI420 ? "i420" : "gbrp" };
  }
}
