import {
  chooseDecoding,
  type DecodeChoice,
  type Decoding,
  type DecodingMachine,
  type HardwareDecoder,
  type Orientation,
} from "@sightline/media";

/** A camera is reconnected because its pictures are turned otherwise once in this time at most. */
const turnMs = 60_000;
/** A decoder on a GPU that failed is tried again at a connection after so long. */
const decoderRetryMs = 10 * 60_000;

/**
 * What a camera's pictures have told since its settings last changed, and which decoders failed on them: what decides how ffmpeg is started. Only
 * its start can change that, so what is new here means that the camera is connected once more.
 */
export class PictureForm {
  #interlaced = false;
  #orientation: Orientation = 1;
  /** When the orientation became known, by performance.now(). */
  #turnedAt = Number.NEGATIVE_INFINITY;
  readonly #failures = new Map<HardwareDecoder, { why: string; at: number }>();

  /** A picture of two fields has been seen, and how the pictures must be turned to be upright. */
  get shape(): { interlaced: boolean; orientation: Orientation } {
    return { interlaced: this.#interlaced, orientation: this.#orientation };
  }

  /** The settings are others: nothing is known. */
  reset(): void {
    this.#interlaced = false;
    this.#orientation = 1;
    this.#turnedAt = Number.NEGATIVE_INFINITY;
    this.#failures.clear();
  }

  /** A picture was decoded; returns whether it is the first of two fields. */
  see({ interlaced }: { interlaced: boolean }): boolean {
    const isNew = interlaced && !this.#interlaced;
    this.#interlaced ||= interlaced;
    return isNew;
  }

  /** The camera says how its pictures are turned; returns whether that is new, but not again and again for one that changes its mind. */
  turn(orientation: Orientation): boolean {
    const now = performance.now();
    if (orientation === this.#orientation || now - this.#turnedAt < turnMs) return false;
    this.#orientation = orientation;
    this.#turnedAt = now;
    return true;
  }

  /** A decoder on a GPU failed, with ffmpeg's words. */
  fail(decoder: HardwareDecoder, words: string): void {
    this.#failures.set(decoder, { why: `ffmpeg failed: ${words}`, at: performance.now() });
  }

  /** What decodes a stream of this codec. */
  decoding(codec: string, choice: DecodeChoice, machine: DecodingMachine): Decoding {
    const recent = [...this.#failures].filter(([, { at }]) => performance.now() - at < decoderRetryMs);
    const failures = new Map(recent.map(([decoder, { why }]) => [decoder, why]));
    return chooseDecoding(choice, { codec, ...this.shape, failures }, machine);
  }
}
