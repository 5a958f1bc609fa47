import {
  chooseDecoding,
  type DecodeChoice,
  type Decoding,
  type DecodingMachine,
  type HardwareDecoder,
  type Orientation,
} from "@sightline/media";

/** A camera is reconnected for a new orientation of its pictures at most once in this time. */
const turnMs = 60_000;
/** A GPU decoder that failed is tried again after this long, when the camera connects. */
const decoderRetryMs = 10 * 60_000;

/**
 * What a camera's pictures have shown since its settings last changed, and which decoders failed on them: this decides how
 * ffmpeg is started. It cannot be changed while ffmpeg runs, so new information means that the camera is connected again.
 */
export class PictureForm {
  #interlaced = false;
  #orientation: Orientation = 1;
  /** When the orientation became known, by performance.now(). */
  #turnedAt = Number.NEGATIVE_INFINITY;
  readonly #failures = new Map<HardwareDecoder, { why: string; at: number }>();

  /** Whether an interlaced picture has been seen, and how the pictures must be turned to be upright. */
  get shape(): { interlaced: boolean; orientation: Orientation } {
    return { interlaced: this.#interlaced, orientation: this.#orientation };
  }

  /** The settings have changed: forgets everything. */
  reset(): void {
    this.#interlaced = false;
    this.#orientation = 1;
    this.#turnedAt = Number.NEGATIVE_INFINITY;
    this.#failures.clear();
  }

  /** A picture was decoded; returns whether it is the first interlaced one. */
  see({ interlaced }: { interlaced: boolean }): boolean {
    const isNew = interlaced && !this.#interlaced;
    this.#interlaced ||= interlaced;
    return isNew;
  }

  /**
   * The camera reports how its pictures are turned. Returns whether that is new and may be applied; a camera that keeps
   * changing it does not cause one reconnection after another.
   */
  turn(orientation: Orientation): boolean {
    const now = performance.now();
    if (orientation === this.#orientation || now - this.#turnedAt < turnMs) return false;
    this.#orientation = orientation;
    this.#turnedAt = now;
    return true;
  }

  /** A GPU decoder failed, with ffmpeg's output. */
  fail(decoder: HardwareDecoder, words: string): void {
    this.#failures.set(decoder, { why: `ffmpeg failed: ${words}`, at: performance.now() });
  }

  /** The decoder for a stream of this codec. */
  decoding(codec: string, choice: DecodeChoice, machine: DecodingMachine): Decoding {
    const recent = [...this.#failures].filter(([, { at }]) => performance.now() - at < decoderRetryMs);
    const failures = new Map(recent.map(([decoder, { why }]) => [decoder, why]));
    return chooseDecoding(choice, { codec, ...this.shape, failures }, machine);
  }
}
