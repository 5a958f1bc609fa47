import { readAacConfig } from "@sightline/media";
import { boxesIn, findBox, fullBox, mp4Box, u8, u16, u32, u64 } from "./boxes.ts";

/** Sound of a file, as described by its track. */
export interface SoundTrack {
  /** The `stsd` box. */
  description: Buffer;
  /** Samples per second: the unit of its times. */
  sampleRate: number;
}

/** One frame of sound in a file. Times are in samples since 1970. */
export interface SoundSample {
  at: number;
  duration: number;
  bytes: number;
}

export interface PlacedSound extends SoundSample {
  offset: number;
}

export const soundTrackId = 2;
const bytesPerRow = 8;

/** A track for AAC with this AudioSpecificConfig; undefined for sound that no file can hold. */
export function soundTrack(config: Uint8Array): SoundTrack | undefined {
  const aac = readAacConfig(config);
  if (!aac) return undefined;
  const { channels, sampleRate } = aac;
  const descriptor = (tag: number, ...content: readonly Uint8Array[]) => {
    const body = Buffer.concat(content);
    return Buffer.concat([u8(tag, body.length), body]);
  };
  // ISO/IEC 14496-1, 7.2.6: MPEG-4 audio without a stated rate.
  const decoder = descriptor(4, u8(0x40, 0x15, 0, 0, 0), u32(0, 0), descriptor(5, config));
  const streams = descriptor(3, u16(soundTrackId), u8(0), decoder, descriptor(6, u8(2)));
  const shownRate = sampleRate < 0x1_0000 ? sampleRate * 0x1_0000 : 0;
  const entry = mp4Box(
    "mp4a",
    ...[Buffer.alloc(6), u16(1), Buffer.alloc(8), u16(channels, 16, 0, 0), u32(shownRate)],
    fullBox("esds", 0, 0, streams),
  );
  return { description: fullBox("stsd", 0, 0, u32(1), entry), sampleRate };
}

/** The `traf` box for a fragment's sound, whose bytes start `dataOffset` after the start of the `moof` box. */
export function soundFragment(samples: readonly SoundSample[], dataOffset: number): Buffer {
  const rows = u32(...samples.flatMap(({ duration, bytes }) => [duration, bytes]));
  return mp4Box(
    "traf",
    fullBox("tfhd", 0, 0x02_0000, u32(soundTrackId)),
    fullBox("tfdt", 1, 0, u64(samples[0]!.at)),
    fullBox("trun", 0, 0x301, u32(samples.length, dataOffset), rows),
  );
}

/** Reads such a box from `data`, between two positions. */
export function readSoundFragment(data: Buffer, from: number, to: number, moofAt: number): PlacedSound[] {
  const boxes = new Map(boxesIn(data, from, to).map((each) => [each.type, each]));
  const [tfdt, trun] = [boxes.get("tfdt"), boxes.get("trun")];
  if (!tfdt || !trun) return [];
  let at = Number(data.readBigUInt64BE(tfdt.body + 4));
  let offset = moofAt + data.readUInt32BE(trun.body + 8);
  return Array.from({ length: data.readUInt32BE(trun.body + 4) }, (_, i) => {
    const row = trun.body + 12 + bytesPerRow * i;
    const [duration, bytes] = [data.readUInt32BE(row), data.readUInt32BE(row + 4)];
    const sample = { at, duration, bytes, offset };
    at += duration;
    offset += bytes;
    return sample;
  });
}

/** The sound of a `moov` box that we wrote, with the position of its `trak` box; undefined without sound. */
export function soundOf(moov: Buffer): (SoundTrack & { trakAt: number }) | undefined {
  const movie = findBox(moov, ["moov"]);
  if (!movie) return undefined;
  for (const trak of boxesIn(moov, movie.body, movie.end)) {
    if (trak.type !== "trak") continue;
    const media = findBox(moov, ["mdia"], trak.body, trak.end);
    const header = media && findBox(moov, ["mdhd"], media.body, media.end);
    const stsd = media && findBox(moov, ["minf", "stbl", "stsd"], media.body, media.end);
    if (!header || !stsd || !findBox(moov, ["mp4a"], stsd.body + 8, stsd.end)) continue;
    // Version 1: two times of 8 bytes each come first.
    const sampleRate = moov.readUInt32BE(header.body + 20);
    return { description: Buffer.from(moov.subarray(stsd.at, stsd.end)), sampleRate, trakAt: trak.at };
  }
  return undefined;
}
