import { displaySize, isOnItsSide, type Orientation } from "@sightline/media";
import { type CodedPicture, type RecordedCodec, ticksPerSecond } from "./coded-picture.ts";
import { Fragment, type TimedPicture } from "./fragment.ts";
import { DecodeTimes, MediaClock } from "./media-clock.ts";
import { fragmentedMovie } from "./mp4/movie-box.ts";
import { codecName, sampleDescription } from "./mp4/sample-entry.ts";
import { type ParameterSets, parameterSetsOf, pictureSize } from "./parameter-sets.ts";

/** The first picture is shown at this time of the movie: pictures that come in another order are decoded before. */
const startTicks = ticksPerSecond;

/** A part of a movie that grows. */
export type LivePart =
  | {
      /** A movie begins; what came before is another's. */
      type: "start";
      /** As in the `codecs` parameter of a media type (RFC 6381), such as `avc1.640028`. */
      codec: string;
      /** Size as it is shown, upright, in pixels. */
      width: number;
      height: number;
      /** `ftyp` and `moov`. */
      data: Buffer;
    }
  | {
      type: "pictures";
      /** Of each picture the time in the movie, in seconds, and when it was captured, in milliseconds since 1970. */
      times: [seconds: number, captureMs: number][];
      /** `moof` and `mdat`. */
      data: Buffer;
    };

/**
 * Makes a fragmented movie of pictures as they come, from the first key picture on. A picture comes out when the next one has
 * come in: only then is known how long it is shown.
 */
export class LiveMovie {
  readonly #codec: RecordedCodec;
  readonly #clock = new MediaClock();
  #decodeTimes = new DecodeTimes();
  #sets: ParameterSets | undefined;
  #orientation: Orientation = 1;
  #gathered: TimedPicture[] = [];
  #latest = Number.NEGATIVE_INFINITY;
  /** Ticks of the clock at the movie's beginning; undefined until there is one. */
  #origin: number | undefined;
  #sequence = 0;
  /** What comes before the next key picture cannot be decoded. */
  #skipping = true;

  constructor(codec: RecordedCodec) {
    this.#codec = codec;
  }

  /** Takes the next picture, which must stay as it is; returns what follows from it. Of a stream that no movie can hold, nothing. */
  push(picture: CodedPicture): LivePart[] {
    try {
      return this.#take(picture);
    } catch (error) {
      // Times or sizes that no camera means and no file can hold.
      if (!(error instanceof RangeError)) throw error;
      this.skip();
      return [];
    }
  }

  /** Leaves out what is not out yet, and what comes up to the next key picture. */
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
    // A picture that is shown after all before it parts the pictures: none behind it is shown before one that is out.
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
