import { type FileHandle, open } from "node:fs/promises";
import type { Orientation } from "@sightline/media";
import { boxesIn, findBox } from "./mp4/boxes.ts";
import { holdsCaptureTimes, readFragment } from "./mp4/fragment.ts";
import { orientationOf } from "./mp4/movie-box.ts";
import type { PlacedSample } from "./mp4/movie-times.ts";
import { type PlacedSound, type SoundTrack, soundOf, soundTrackId } from "./mp4/sound-track.ts";

/** The contents of a segment's file. */
export interface SegmentContent {
  /** The `stsd` box with everything a decoder must know. */
  description: Buffer;
  /** How players turn its pictures. */
  orientation: Orientation;
  /** Bytes before the first fragment: what a player needs first. */
  initBytes: number;
  /** All samples of complete fragments, in decoding order. */
  samples: PlacedSample[];
  /** Its sound, if it has any. */
  sound: (SoundTrack & { samples: PlacedSound[] }) | undefined;
  /** Positions of the boxes that announce the sound to players. */
  soundBoxes: number[];
  /** Bytes of the file up to the end of its last complete fragment. */
  wholeBytes: number;
}

/** More than the header of any fragment that we write. */
const mostHeadBytes = 16 * 1024 * 1024;
const readBytes = 64 * 1024;

/**
 * Reads the complete part of a segment's file, without its pictures; undefined when not even its start is complete. @throws when it cannot be
 * read
 */
export async function readSegment(path: string): Promise<SegmentContent | undefined> {
  const file = await open(path);
  try {
    return await read(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function read(file: FileHandle, bytes: number): Promise<SegmentContent | undefined> {
  const content: SegmentContent = {
    description: Buffer.alloc(0),
    orientation: 1,
    initBytes: 0,
    samples: [],
    sound: undefined,
    soundBoxes: [],
    wholeBytes: 0,
  };
  let window = Buffer.alloc(0);
  let windowAt = 0;
  /** Bytes of the file from `at`, as many as exist. */
  const take = async (at: number, length: number): Promise<Buffer> => {
    if (at < windowAt || at + length > windowAt + window.length) {
      const buffer = Buffer.allocUnsafe(Math.max(length, readBytes));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      window = buffer.subarray(0, bytesRead);
      windowAt = at;
    }
    return window.subarray(at - windowAt, at - windowAt + length);
  };
  let uuid: Buffer | undefined;
  let pending: ReturnType<typeof readFragment> | undefined;
  for (let at = 0; at + 8 <= bytes; ) {
    const head = await take(at, 8);
    const size = head.readUInt32BE(0);
    const type = head.toString("latin1", 4, 8);
    if (size < 8 || at + size > bytes || (type !== "mdat" && size > mostHeadBytes)) break;
    if (type === "mdat") {
      content.samples.push(...(pending?.samples ?? []));
      content.sound?.samples.push(...(pending?.sound ?? []));
      if (pending?.soundAt !== undefined) content.soundBoxes.push(pending.soundAt);
      content.wholeBytes = at + size;
      pending = undefined;
    } else if (type === "moov") {
      const moov = Buffer.from(await take(at, size));
      const stsd = findBox(moov, ["moov", "trak", "mdia", "minf", "stbl", "stsd"]);
      if (!stsd) return undefined;
      content.description = moov.subarray(stsd.at, stsd.end);
      content.orientation = orientationOf(moov);
      const sound = soundOf(moov);
      if (sound) {
        const { trakAt, ...track } = sound;
        content.sound = { ...track, samples: [] };
        content.soundBoxes.push(at + trakAt, ...soundExtends(moov).map((place) => at + place));
      }
      content.initBytes = content.wholeBytes = at + size;
    } else if (type === "uuid") uuid = Buffer.from(await take(at, size));
    else if (type === "moof" && uuid && holdsCaptureTimes(uuid, 8)) {
      const both = Buffer.concat([uuid, await take(at, size)]);
      pending = readFragment(
        both,
        { body: 8, end: uuid.length },
        { body: uuid.length + 8, end: both.length },
        at,
      );
    }
    at += size;
  }
  return content.initBytes > 0 ? content : undefined;
}

/** Position of the box that announces fragments of sound. */
function soundExtends(moov: Buffer): number[] {
  const found = findBox(moov, ["moov", "mvex"]);
  if (!found) return [];
  return boxesIn(moov, found.body, found.end)
    .filter(({ body }) => moov.readUInt32BE(body + 4) === soundTrackId)
    .map(({ at }) => at);
}
