import type { PixelFormatName, ServedModel, WorkerInfo } from "@sightline/contracts";

/** A form that no worker has asked for so long is given up. */
export const formKeptMs = 5 * 60_000;

/**
 * Which frames to make for a model whose workers do not all read the same. Where one of them reads I420, frames are I420: those who read gbrp get
 * them converted, and they are the slower ones. And they stay so for a while, since each change costs every camera a new start of its decoder.
 */
export class ServedForms {
  readonly #workers: () => readonly Pick<WorkerInfo, "model" | "pixelFormat">[];
  readonly #now: () => number;
  /** When a worker was last seen that reads I420, by model. */
  readonly #i420 = new Map<string, number>();

  /** `workers` are those that are there now. */
  constructor(
    workers: () => readonly Pick<WorkerInfo, "model" | "pixelFormat">[],
    now: () => number = () => performance.now(),
  ) {
    this.#workers = workers;
    this.#now = now;
  }

  /** A worker that reads I420 was there until now. Who asks for the form may not have asked for hours. */
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
