import type { Orientation } from "@sightline/media";
import { ticksPerSecond } from "../coded-picture.ts";
import { box, fullBox, u16, u32, u64 } from "./boxes.ts";
import { displayMatrix } from "./display-matrix.ts";

const matrix = displayMatrix(1, { width: 0, height: 0 });
const trackId = 1;

export const fileTypeBox = box("ftyp", Buffer.from("isom\0\0\x02\0isomiso6avc1mp41", "latin1"));

/** One video track of a movie. */
export interface MovieTrack {
  /** Size with square pixels, before it is turned. */
  width: number;
  height: number;
  /** How players turn it. */
  orientation: Orientation;
  /** The `stsd` box. */
  description: Uint8Array;
  /** In ticks; 0 in a movie of fragments. */
  duration: number;
  /** The ticks at which the first picture is shown, counted as the samples are: the movie begins there. */
  startsAt?: number;
  /** Boxes of the sample table behind `stsd`. */
  samples: readonly Uint8Array[];
}

/** The `moov` box of a movie with one video track; `more` goes behind the track. */
export function movieBox(track: MovieTrack, ...more: readonly Uint8Array[]): Buffer {
  const { width, height, orientation, description, duration, startsAt = 0, samples } = track;
  const header = fullBox(
    ...(["mvhd", 1, 0, u64(0, 0), u32(ticksPerSecond), u64(duration)] as const),
    ...[u32(0x10000), u16(0x100), Buffer.alloc(10), matrix, Buffer.alloc(24), u32(trackId + 1)],
  );
  const trackHeader = fullBox(
    ...(["tkhd", 1, 3, u64(0, 0), u32(trackId, 0), u64(duration), Buffer.alloc(8), u16(0, 0, 0, 0)] as const),
    ...[displayMatrix(orientation, { width, height }), u32(width * 0x10000, height * 0x10000)],
  );
  const edit = box("edts", fullBox("elst", 1, 0, u32(1), u64(duration, startsAt), u16(1, 0)));
  const mediaHeader = fullBox("mdhd", 1, 0, u64(0, 0), u32(ticksPerSecond), u64(duration), u16(0x55c4, 0));
  const handler = fullBox(
    "hdlr",
    0,
    0,
    u32(0),
    Buffer.from("vide", "latin1"),
    Buffer.alloc(12),
    Buffer.from("video\0"),
  );
  const reference = box("dinf", fullBox("dref", 0, 0, u32(1), fullBox("url ", 0, 1)));
  const information = box(
    "minf",
    ...[fullBox("vmhd", 0, 1, Buffer.alloc(8)), reference, box("stbl", description, ...samples)],
  );
  const media = box("mdia", mediaHeader, handler, information);
  return box("moov", header, box("trak", trackHeader, ...(duration > 0 ? [edit] : []), media), ...more);
}

/** The beginning of a file of fragments. */
export function fragmentedMovie(track: Omit<MovieTrack, "duration" | "samples">): Buffer {
  const none = ["stts", "stsc", "stco"].map((type) => fullBox(type, 0, 0, u32(0)));
  const sizes = fullBox("stsz", 0, 0, u32(0, 0));
  const extends_ = box("mvex", fullBox("trex", 0, 0, u32(trackId, 1, 0, 0, 0)));
  return Buffer.concat([
    fileTypeBox,
    movieBox({ ...track, duration: 0, samples: [...none, sizes] }, extends_),
  ]);
}
