import type { Orientation, Size } from "@sightline/media";
import { ticksPerSecond } from "../coded-picture.ts";
import { findBox, fullBox, mp4Box, u16, u32, u64 } from "./boxes.ts";
import { type SoundTrack, soundTrackId } from "./sound-track.ts";

/** Transformation of a picture's x and y (ISO/IEC 14496-12, 6.2.2): x' = a·x + c·y, y' = b·x + d·y, then moved to begin at 0. */
const turns: Readonly<Record<Orientation, readonly [a: number, b: number, c: number, d: number]>> = {
  1: [1, 0, 0, 1],
  2: [-1, 0, 0, 1],
  3: [-1, 0, 0, -1],
  4: [1, 0, 0, -1],
  5: [0, 1, 1, 0],
  6: [0, 1, -1, 0],
  7: [0, -1, -1, 0],
  8: [0, -1, 1, 0],
};
const one = 0x10000;
/** Position of the matrix in a `tkhd` box of version 1, after the box's header. */
const matrixAt = 52;

const matrix = displayMatrix(1, { width: 0, height: 0 });
const trackId = 1;

export const fileTypeBox = mp4Box("ftyp", Buffer.from("isom\0\0\x02\0isomiso6avc1mp41", "latin1"));

/** The video track of a movie. */
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
  /** Display time of the first picture, in ticks on the samples' clock: the movie begins there. */
  startsAt?: number;
  /** The boxes of the sample table after `stsd`. */
  samples: readonly Uint8Array[];
}

/** The sound track of a movie. */
export interface MovieSound extends SoundTrack {
  /** In samples; 0 in a movie of fragments. */
  duration: number;
  /** How long after the movie's start it begins, in ticks. */
  startsAt?: number;
  /** The boxes of the sample table after `stsd`. */
  samples: readonly Uint8Array[];
}

/** The `moov` box of a movie; `more` is placed after the tracks. */
export function movieBox(
  track: MovieTrack,
  sound: MovieSound | undefined,
  ...more: readonly Uint8Array[]
): Buffer {
  const { width, height, orientation, duration, startsAt = 0 } = track;
  const header = fullBox(
    ...(["mvhd", 1, 0, u64(0, 0), u32(ticksPerSecond), u64(duration)] as const),
    ...[u32(0x10000), u16(0x100), Buffer.alloc(10), matrix, Buffer.alloc(24), u32(soundTrackId + 1)],
  );
  const trackHeader = fullBox(
    ...(["tkhd", 1, 3, u64(0, 0), u32(trackId, 0), u64(duration), Buffer.alloc(8), u16(0, 0, 0, 0)] as const),
    ...[displayMatrix(orientation, { width, height }), u32(width * 0x10000, height * 0x10000)],
  );
  const edit = mp4Box("edts", fullBox("elst", 1, 0, u32(1), u64(duration, startsAt), u16(1, 0)));
  const media = mediaBox("vide", ticksPerSecond, fullBox("vmhd", 0, 1, Buffer.alloc(8)), track);
  const video = mp4Box("trak", trackHeader, ...(duration > 0 ? [edit] : []), media);
  return mp4Box("moov", header, video, ...(sound ? [soundBox(sound)] : []), ...more);
}

function soundBox(sound: MovieSound): Buffer {
  const { duration, sampleRate, startsAt = 0 } = sound;
  const heard = Math.round(duration * (ticksPerSecond / sampleRate));
  const volume = u16(0, 1, 0x100, 0);
  const header = fullBox(
    ...(["tkhd", 1, 3, u64(0, 0), u32(soundTrackId, 0), u64(startsAt + heard)] as const),
    ...[Buffer.alloc(8), volume, matrix, u32(0, 0)],
  );
  // First silence, then all of the sound.
  const rows = [
    ...(startsAt > 0 ? [u64(startsAt), u32(-1, -1), u16(1, 0)] : []),
    ...[u64(heard, 0), u16(1, 0)],
  ];
  const edit = mp4Box("edts", fullBox("elst", 1, 0, u32(startsAt > 0 ? 2 : 1), ...rows));
  const media = mediaBox("soun", sampleRate, fullBox("smhd", 0, 0, Buffer.alloc(4)), sound);
  return mp4Box("trak", header, ...(duration > 0 ? [edit] : []), media);
}

function mediaBox(
  kind: "vide" | "soun",
  timescale: number,
  kindHeader: Buffer,
  { description, duration, samples }: Pick<MovieTrack, "description" | "duration" | "samples">,
): Buffer {
  const header = fullBox("mdhd", 1, 0, u64(0, 0), u32(timescale), u64(duration), u16(0x55c4, 0));
  const name = Buffer.from(kind === "vide" ? "video\0" : "sound\0");
  const handler = fullBox("hdlr", 0, 0, u32(0), Buffer.from(kind, "latin1"), Buffer.alloc(12), name);
  const reference = mp4Box("dinf", fullBox("dref", 0, 0, u32(1), fullBox("url ", 0, 1)));
  return mp4Box(
    "mdia",
    ...[header, handler, mp4Box("minf", kindHeader, reference, mp4Box("stbl", description, ...samples))],
  );
}

/** The start of a file of fragments. */
export function fragmentedMovie(
  track: Omit<MovieTrack, "duration" | "samples">,
  sound?: SoundTrack | undefined,
): Buffer {
  const none = ["stts", "stsc", "stco"].map((type) => fullBox(type, 0, 0, u32(0)));
  const samples = [...none, fullBox("stsz", 0, 0, u32(0, 0))];
  const ids = sound ? [trackId, soundTrackId] : [trackId];
  const extends_ = mp4Box("mvex", ...ids.map((id) => fullBox("trex", 0, 0, u32(id, 1, 0, 0, 0))));
  const empty = { duration: 0, samples };
  return Buffer.concat([
    fileTypeBox,
    movieBox({ ...track, ...empty }, sound && { ...sound, ...empty }, extends_),
  ]);
}

/** The matrix in a movie's header by which players turn its pictures; the size is that before turning. */
function displayMatrix(orientation: Orientation, { width, height }: Size): Buffer {
  const [a, b, c, d] = turns[orientation];
  const right = -Math.min(0, a * width, c * height);
  const down = -Math.min(0, b * width, d * height);
  const fixed = [a * one, b * one, 0, c * one, d * one, 0, right * one, down * one];
  return u32(...fixed.map((value) => value >>> 0), 0x40000000);
}

/** The orientation in the track of a `moov` box that we wrote. */
export function orientationOf(moov: Buffer): Orientation {
  const header = findBox(moov, ["moov", "trak", "tkhd"]);
  if (!header) return 1;
  const at = header.at + 8 + matrixAt;
  const matrix = [0, 4, 12, 16].map((offset) => moov.readInt32BE(at + offset) / one);
  const found = Object.entries(turns).find(([, turn]) => turn.every((value, i) => value === matrix[i]));
  return found ? (Number(found[0]) as Orientation) : 1;
}
