import { BoundedMap } from "@sightline/service";
import { z } from "zod";

/** A frame is ahead of those it overtook by no more than the reorder buffer holds; this is four times as much. */
const numbersKept = 256;
/** Frames of an epoch that ended may still come from slow workers, but not of many. */
const epochsKept = 8;

export const publishedFramesSchema = z
  .array(
    z.strictObject({
      epoch: z.string(),
      highest: z.int().min(0),
      /** All up to this number count as published. */
      forgotten: z.int().min(0),
      /** Numbers above it that have been published. */
      numbers: z.array(z.int().positive()).max(numbersKept),
    }),
  )
  .max(epochsKept);
export type PublishedFramesState = z.infer<typeof publishedFramesSchema>;

interface Epoch {
  highest: number;
  forgotten: number;
  /** In the order of publication. */
  numbers: Set<number>;
}

/** Which of a camera's frames are in its timeline, as far back as it matters. */
export class PublishedFrames {
  /** The one that began last is last. */
  readonly #epochs = new BoundedMap<string, Epoch>(epochsKept);

  constructor(state: PublishedFramesState = []) {
    for (const { epoch, numbers, ...rest } of state)
      this.#epochs.set(epoch, { ...rest, numbers: new Set(numbers) });
  }

  /** Whether a frame is in the timeline, or so old that it would have to be. */
  has(epoch: string, number: number): boolean {
    const known = this.#epochs.get(epoch);
    return known !== undefined && (number <= known.forgotten || known.numbers.has(number));
  }

  /** Whether frames are in the timeline, and none of them is of this epoch. */
  isNewEpoch(epoch: string): boolean {
    return this.#epochs.size > 0 && !this.#epochs.has(epoch);
  }

  /**
   * Whether a later frame is in the timeline: of the epoch, or of one that began after it, as when a slow worker has a frame of the
   * ingest before while the next one's are published.
   */
  isLate(epoch: string, number: number): boolean {
    const known = this.#epochs.get(epoch);
    return known !== undefined && (number < known.highest || [...this.#epochs.keys()].at(-1) !== epoch);
  }

  add(epoch: string, number: number): void {
    const known = this.#epochs.get(epoch) ?? { highest: 0, forgotten: 0, numbers: new Set() };
    // Set once: a frame that comes late does not make its epoch the newest.
    if (!this.#epochs.has(epoch)) this.#epochs.set(epoch, known);
    known.highest = Math.max(known.highest, number);
    known.numbers.add(number);
    if (known.numbers.size > numbersKept) {
      const [oldest] = known.numbers;
      known.numbers.delete(oldest!);
      known.forgotten = Math.max(known.forgotten, oldest!);
    }
  }

  /** The highest number of each epoch. */
  highest(): [epoch: string, number: number][] {
    return [...this.#epochs].map(([epoch, { highest }]) => [epoch, highest]);
  }

  snapshot(): PublishedFramesState {
    return [...this.#epochs].map(([epoch, { numbers, ...rest }]) => ({
      epoch,
      ...rest,
      numbers: [...numbers],
    }));
  }
}
