import { displaySize, isOnItsSide, type Orientation } from "@sightline/media";
import { type CodedPicture, type RecordedCodec, ticksPerSecond } from "./coded-picture.ts";
import { Fragment, type TimedPicture } from "./fragment.ts";
import { DecodeTimes, MediaClock } from "./media-clock.ts";
import { fragmentedMovie } from "./mp4/movie-box.ts";
import { codecName, sampleDescription } from "./mp4/sample-entry.ts";
import { type ParameterSets, parameterSetsOf, pictureSize } from "./parameter-sets.ts";

/** Movie time at which the first picture is shown: it leaves room to decode pictures that come in another order. */
const startTicks = ticksPerSecond;

/** A part of a growing movie. */
export type LivePart =
  | {
      /** A movie begins; earlier parts belong to another movie. */
      type: "start";
      /** The value for the `codecs` parameter of a media type (RFC 6381), such as `avc1.640028`. */
      codec: string;
      /** Size as shown, upright, in pixels. */
      width: number;
      height: number;
      /** `ftyp` and `moov`. */
      data: Buffer;
    }
  | {
      type: "pictures";
      /** For each picture, its time in the movie in seconds and its capture time in milliseconds since 1970. */
      times: [seconds: number, captureMs: number][];
      /** `moof` and `mdat`. */
      data: Buffer;
    };

/**
 * Builds a fragmented movie from pictures as they come, starting with the first key picture. A picture is emitted when the next one has
 * arrived: only then its duration is known.
 */
export class LiveMovie {
  readonly #codec: RecordedCodec;
  readonly #clock = new MediaClock();
  #decodeTimes = new DecodeTimes();
  #sets: ParameterSets | undefined;
  #orientation: Orientation = 1;
  #gathered: TimedPicture[] = [];
  #latest = Number.NEGATIVE_INFINITY;
  /** The clock's ticks at the movie's start; undefined before there is a movie. */
  #origin: number | undefined;
  #sequence = 0;
  /** True until the next key picture: pictures before it cannot be decoded. */
  #skipping = true;

  constructor(codec: RecordedCodec) {
    this.#codec = codec;
  }

  /**
   * Takes the next picture, whose memory must not change later; returns the parts that are now complete. If no movie can hold the stream,
   * it returns nothing.
   */
  push(picture: CodedPicture): LivePart[] {
    try {
      return this.#take(picture);
    } catch (error) {
      // Times or sizes that no real camera sends and no file can hold.
      if (!(error instanceof RangeError)) throw error;
      this.skip();
      return [];
    }
  }

  /** Drops the pictures not emitted yet, and all pictures up to the next key picture. */
  skip(): void {
    this.#gathered = [];
    this.#skipping = true;
  }

  #take(picture: CodedPicture): LivePart[] {
    const { ticks, anew } = this.#clock.time(picture);
    const before = this.#sets;
    if (picture.key || !before) this.#sets = parameterSetsOf(this.#codec, picture.data, before);
    if (this.#skipping && !picture.key) return [];
    const parts: LivePart[] = [];
    // A picture that is shown after all earlier ones is a safe place to cut: no later picture is shown before an emitted one.
    if (this.#gathered.length > 0 && ticks > this.#latest) parts.push(this.#flush(anew ? undefined : ticks));
    if (picture.key) {
      if (!this.#sets) {
        this.skip();
        return parts;
      }
      this.#skipping = false;
      const { orientation = 1 } = picture;
      const sameHead = this.#sets === before && orientation === this.#orientation;
      this.#orientation = orientation;
      if (anew || this.#origin === undefined || !sameHead || ticks <= this.#latest)
        parts.push(this.#begin(this.#sets, ticks));
    }
    this.#gathered.push({ picture, ticks: ticks - this.#origin! });
    this.#latest = Math.max(this.#latest, ticks);
    return parts;
  }

  #begin(sets: ParameterSets, ticks: number): LivePart {
    this.#gathered = [];
    this.#latest = Number.NEGATIVE_INFINITY;
    this.#decodeTimes = new DecodeTimes();
    this.#origin = ticks - startTicks;
    const size = pictureSize(sets)!;
    const shown = displaySize(size, size.aspect);
    const orientation = this.#orientation;
    const data = fragmentedMovie({ ...shown, orientation, description: sampleDescription(sets) });
    const { width, height } = shown;
    const upright = isOnItsSide(orientation) ? { width: height, height: width } : shown;
    return { type: "start", codec: codecName(sets), ...upright, data };
  }

  #flush(next: number | undefined): LivePart {
    const pictures = this.#gathered;
    this.#gathered = [];
    const nextTicks = next === undefined ? undefined : next - this.#origin!;
    const data = new Fragment(++this.#sequence, pictures, this.#decodeTimes, nextTicks).toBuffer();
    return {
      type: "pictures",
      times: pictures.map(({ picture, ticks }) => [ticks / ticksPerSecond, picture.captureMs]),
      data,
    };
  }
}
