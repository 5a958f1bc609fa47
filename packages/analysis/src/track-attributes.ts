import { type Attribute, type AttributeReading, likelyFrom } from "@sightline/contracts";
import { z } from "zod";

/** The readings so far for one attribute of one track. */
const knownSchema = z.strictObject({
  name: z.string(),
  /** Frames in which a second stage looked. */
  frames: z.int().positive(),
  /** Sums of the values' probabilities over these frames, in the order of first appearance. */
  sums: z.array(z.tuple([z.string(), z.number()])),
  /** The value decided for the object; null while it is unclear. */
  value: z.string().nullable(),
});

export const trackAttributesSchema = z.array(
  z.strictObject({ track: z.int().positive(), attributes: z.array(knownSchema) }),
);
export type TrackAttributesState = z.infer<typeof trackAttributesSchema>;
type Known = z.infer<typeof knownSchema>;

/** A single frame may be wrong. */
const minFrames = 2;
/** The decided value stays until another value leads by this much, so that it does not change back and forth. */
const lead = 0.1;

/**
 * Decides the attributes of tracks: the value with the highest mean probability over the frames in which second stages looked. Pure: the same readings
 * in the same order give the same result.
 */
export class TrackAttributes {
  readonly #tracks: Map<number, Known[]>;

  constructor(state: TrackAttributesState = []) {
    this.#tracks = new Map(state.map(({ track, attributes }) => [track, structuredClone(attributes)]));
  }

  /** Adds the readings of a frame and returns the track's current attributes. */
  see(track: number, readings: readonly AttributeReading[]): Attribute[] {
    let attributes = this.#tracks.get(track);
    if (!attributes) {
      if (readings.length === 0) return [];
      attributes = [];
      this.#tracks.set(track, attributes);
    }
    for (const { name, values } of readings) {
      let known = attributes.find((each) => each.name === name);
      if (!known) {
        known = { name, frames: 0, sums: [], value: null };
        attributes.push(known);
      }
      known.frames++;
      for (const { value, probability } of values) add(known, value, probability);
      decide(known);
    }
    return attributes.flatMap((known) => {
      const { name, frames, value } = known;
      return value === null ? [] : [{ name, value, score: sumOf(known, value) / frames }];
    });
  }

  /** The tracks have ended. */
  forget(tracks: readonly number[]): void {
    for (const track of tracks) this.#tracks.delete(track);
  }

  clear(): void {
    this.#tracks.clear();
  }

  snapshot(): TrackAttributesState {
    return structuredClone(
      Array.from(this.#tracks, ([track, attributes]) => ({ track, attributes })),
    ) as TrackAttributesState;
  }
}

function add({ sums }: Known, value: string, probability: number): void {
  if (!Number.isFinite(probability)) return;
  const sum = sums.find(([each]) => each === value);
  if (sum) sum[1] += probability;
  else sums.push([value, probability]);
}

function sumOf({ sums }: Known, value: string): number {
  return sums.find(([each]) => each === value)?.[1] ?? 0;
}

function decide(known: Known): void {
  const { frames, sums, value } = known;
  if (frames < minFrames || sums.length === 0) return;
  const [best, sum] = sums.reduce((a, b) => (b[1] > a[1] ? b : a));
  if (best === value || sum / frames < likelyFrom) return;
  if (value === null || (sum - sumOf(known, value)) / frames >= lead) known.value = best;
}
