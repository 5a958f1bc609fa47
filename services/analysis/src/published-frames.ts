import { BoundedMap } from "@sightline/service";
import { z } from "zod";

/** A frame is ahead of the frames that it overtook by no more than the reorder buffer holds; this is four times as much. */
const numbersKept = 256;
/** Frames of an ended epoch may still come from slow workers, but only of a few epochs. */
const epochsKept = 8;

export const publishedFramesSchema = z
  .array(
    z.strictObject({
      epoch: z.string(),
      highest: z.int().min(0),
      /** All numbers up to this one count as published. */
      forgotten: z.int().min(0),
      /** Published numbers above that. */
      numbers: z.array(z.int().positive()).max(numbersKept),
    }),
  )
  .max(epochsKept);
export type PublishedFramesState = z.infer<typeof publishedFramesSchema>;

interface Epoch {
  highest: number;
  forgotten: number;
  /** In order of publication. */
  numbers: Set<number>;
}

/** Which of a camera's frames are in its timeline, as far back as that matters. */
export class PublishedFrames {
  /** The epoch that began last comes last. */
  readonly #epochs = new BoundedMap<string, Epoch>(epochsKept);

  constructor(state: PublishedFramesState = []) {
    for (const { epoch, numbers, ...rest } of state)
      this.#epochs.set(epoch, { ...rest, numbers: new Set(numbers) });
  }

  /** Whether a frame is in the timeline, or is so old that it counts as being there. */
  has(epoch: string, number: number): boolean {
    const known = this.#epochs.get(epoch);
    return known !== undefined && (number <= known.forgotten || known.numbers.has(number));
  }

  /** Whether the timeline contains frames, but none of this epoch. */
  isNewEpoch(epoch: string): boolean {
    return this.#epochs.size > 0 && !this.#epochs.has(epoch);
  }

  /**
   * Whether the timeline contains a later frame: one of the same epoch, or one of an epoch that began later. The latter
   * happens when a slow worker has a frame of the previous ingest while frames of the next one are published.
   */
  isLate(epoch: string, number: number): boolean {
    const known = this.#epochs.get(epoch);
    return known !== undefined && (number < known.highest || [...this.#epochs.keys()].at(-1) !== epoch);
  }

  add(epoch: string, number: number): void {
    const known = this.#epochs.get(epoch) ?? { highest: 0, forgotten: 0, numbers: new Set() };
    // Set only once: a late frame does not make its epoch the newest.
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
