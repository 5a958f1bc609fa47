import { Assignment } from "./assignment.ts";
import { intersectionOverUnion, type Observation, shapeSimilarity } from "./box.ts";
import type { Track } from "./track.ts";

/** A matching of tracks with observations. */
export interface Matching {
  /** Pairs of a track and the index of its observation, in the order of the tracks. */
  readonly matches: readonly (readonly [track: Track, index: number])[];
  /** Tracks without an observation. */
  readonly missed: readonly Track[];
  /** Indices of observations without a track. */
  readonly unused: readonly number[];
}

/**
 * An observation counts this much if the track was never found as its class. The difference decides when
 * two objects of different classes pass each other.
 */
const otherClassWeight = 0.8;

/**
 * Matches tracks with observations, maximising the sum of (similarity − minimum) over the matches.
 * This equals the reference's `lap.lapjv(1 − similarity, cost_limit = 1 − minimum)`: a pair is matched only if this is
 * better than leaving both unmatched.
 *
 * A detector may call one object a car in one frame and a truck in the next, so a different class does not exclude a pair. But an
 * observation of a class that is new to the track counts only as far as its shape is the object's: a bicycle is not its rider.
 */
export class Association {
  readonly #assignment = new Assignment();
  readonly #boxes = new FlatBoxes();
  #weights = new Float64Array(1024);

  /**
   * @param candidates indices into `observations`
   * @param fuseScore similarity = IoU × score, as the reference's `fuse_score`; otherwise IoU
   */
  match(
    tracks: readonly Track[],
    observations: readonly Observation[],
    candidates: readonly number[],
    minimum: number,
    fuseScore: boolean,
  ): Matching {
    this.#weigh(tracks, observations, candidates, minimum, fuseScore);
    this.#assignment.solve(this.#weights, tracks.length, candidates.length);
    const { columnOfRow, rowOfColumn } = this.#assignment;
    const matches: [Track, number][] = [];
    const missed: Track[] = [];
    for (const [t, track] of tracks.entries()) {
      const column = columnOfRow[t]!;
      if (column === -1) missed.push(track);
      else matches.push([track, candidates[column]!]);
    }
    return { matches, missed, unused: candidates.filter((_, c) => rowOfColumn[c] === -1) };
  }

  /** Only pairs that overlap enough get a weight. Most do not, so each pair that cannot is left after as few comparisons as possible. */
  #weigh(
    tracks: readonly Track[],
    observations: readonly Observation[],
    candidates: readonly number[],
    minimum: number,
    fuseScore: boolean,
  ): void {
    const columns = candidates.length;
    const size = tracks.length * columns;
    if (size > this.#weights.length) this.#weights = new Float64Array(2 ** Math.ceil(Math.log2(size)));
    const weights = this.#weights.fill(0, 0, size);
    this.#boxes.fill(observations, candidates);
    const { xMin, yMin, xMax, yMax } = this.#boxes;
    for (let row = 0; row < tracks.length; row++) {
      const track = tracks[row]!;
      const { xMin: left, yMin: top, xMax: right, yMax: bottom } = track;
      for (let column = 0; column < columns; column++) {
        if (
          xMin[column]! >= right ||
          xMax[column]! <= left ||
          yMin[column]! >= bottom ||
          yMax[column]! <= top
        )
          continue;
        const { classId, score, box } = observations[candidates[column]!]!;
        let similarity = intersectionOverUnion(track, box) * (fuseScore ? score : 1);
        if (similarity <= minimum) continue;
        if (track.classId !== classId && !track.wasOf(classId))
          similarity *= otherClassWeight * shapeSimilarity(track, box);
        if (similarity > minimum) weights[row * columns + column] = similarity - minimum;
      }
    }
  }
}

/** The boxes of some observations, side by side: comparing each with many tracks then reads memory in order. Its buffers grow to the most boxes seen. */
class FlatBoxes {
  xMin = new Float64Array(64);
  yMin = new Float64Array(64);
  xMax = new Float64Array(64);
  yMax = new Float64Array(64);

  /** @param chosen indices into `observations`: box `i` is that of the observation `chosen[i]` */
  fill(observations: readonly Observation[], chosen: readonly number[]): void {
    if (chosen.length > this.xMin.length) this.#grow(2 ** Math.ceil(Math.log2(chosen.length)));
    for (let index = 0; index < chosen.length; index++) {
      const { xMin, yMin, xMax, yMax } = observations[chosen[index]!]!.box;
      this.xMin[index] = xMin;
      this.yMin[index] = yMin;
      this.xMax[index] = xMax;
      this.yMax[index] = yMax;
    }
  }

  #grow(size: number): void {
    this.xMin = new Float64Array(size);
    this.yMin = new Float64Array(size);
    this.xMax = new Float64Array(size);
    this.yMax = new Float64Array(size);
  }
}
