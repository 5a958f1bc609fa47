import { BoundedMap } from "@sightline/service";
import type { KeptFrame } from "./frame-memory.ts";

/** Frames whose moment is remembered: more than come in the time for which compressed pictures are kept. */
const mostMoments = 600;

/** A frame that a worker was given, without its pixels. */
export type Moment = Pick<KeptFrame, "metadata" | "arrivedAt">;

/** What frames workers were given lately. */
export class HandedMoments {
  /** By number, oldest first. */
  readonly #moments = new BoundedMap<number, Moment>(mostMoments);
  #newest: Moment | undefined;

  add({ metadata, arrivedAt }: Moment): void {
    this.#newest = { metadata, arrivedAt };
    this.#moments.set(metadata.number, this.#newest);
  }

  /** The frame of this number; without one, the newest. */
  find(number: number | undefined): Moment | undefined {
    return number === undefined ? this.#newest : this.#moments.get(number);
  }

  clear(): void {
    this.#moments.clear();
    this.#newest = undefined;
  }
}
