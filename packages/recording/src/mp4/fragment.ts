import { boxesIn, fullBox, mp4Box, u32, u64 } from "./boxes.ts";
import type { PlacedSample, Sample } from "./movie-times.ts";
import { type PlacedSound, readSoundFragment, type SoundSample, soundFragment } from "./sound-track.ts";

const keyFlags = 0x0200_0000;
const otherFlags = 0x0101_0000;
const bytesPerRow = 16;
/** Marks the box that holds the capture time of each picture in the fragment; players ignore it. */
const captureTimes = Buffer.from("b0a6f1f4c3a94d1c9d8e5a1f7e2c4b60", "hex");

/**
 * The bytes before a fragment's pictures: their capture times, their descriptions, and the header of the box that holds them. The sound
 * of their time comes after them.
 */
export function fragmentHead(
  sequence: number,
  samples: readonly Sample[],
  sound: readonly SoundSample[] = [],
): Buffer {
  const times = Buffer.alloc(8 * samples.length);
  for (const [i, { captureMs }] of samples.entries()) times.writeDoubleBE(captureMs, 8 * i);
  const rows = Buffer.alloc(bytesPerRow * samples.length);
  for (const [i, { duration, bytes, key, pts, dts }] of samples.entries()) {
    const at = rows.writeUInt32BE(duration, bytesPerRow * i);
    rows.writeInt32BE(
      pts - dts,
      rows.writeUInt32BE(key ? keyFlags : otherFlags, rows.writeUInt32BE(bytes, at)),
    );
  }
  const videoBytes = samples.reduce((sum, { bytes }) => sum + bytes, 0);
  const movie = (dataOffset: number) =>
    mp4Box(
      "moof",
      fullBox("mfhd", 0, 0, u32(sequence)),
      mp4Box(
        "traf",
        fullBox("tfhd", 0, 0x02_0000, u32(1)),
        fullBox("tfdt", 1, 0, u64(samples[0]?.dts ?? 0)),
        // Offset; then for each sample its duration, size, flags, and the time between decoding and display.
        fullBox("trun", 1, 0xf01, u32(samples.length, dataOffset), rows),
      ),
      ...(sound.length > 0 ? [soundFragment(sound, dataOffset + videoBytes)] : []),
    );
  const data = sound.reduce((sum, { bytes }) => sum + bytes, 8 + videoBytes);
  const head = movie(movie(0).length + 8);
  return Buffer.concat([mp4Box("uuid", captureTimes, times), head, u32(data), Buffer.from("mdat", "latin1")]);
}

/** The contents of a fragment. */
export interface FragmentContent {
  samples: PlacedSample[];
  sound: PlacedSound[];
  /** Position in the file of the box that describes the sound; undefined without sound. */
  soundAt: number | undefined;
}

/** Reads a fragment from its `uuid` and `moof` boxes in `data`; `moofAt` is the position of `moof` in the file. */
export function readFragment(
  data: Buffer,
  uuid: { body: number; end: number },
  moof: { body: number; end: number },
  moofAt: number,
): FragmentContent {
  const [traf, other] = boxesIn(data, moof.body, moof.end).filter(({ type }) => type === "traf");
  const sound = other ? readSoundFragment(data, other.body, other.end, moofAt) : [];
  const soundAt = other && moofAt + other.at - (moof.body - 8);
  return { samples: traf ? readPictures(data, uuid, traf, moofAt) : [], sound, soundAt };
}

function readPictures(
  data: Buffer,
  uuid: { body: number },
  traf: { body: number; end: number },
  moofAt: number,
): PlacedSample[] {
  const boxes = new Map(boxesIn(data, traf.body, traf.end).map((each) => [each.type, each]));
  const [tfdt, trun] = [boxes.get("tfdt"), boxes.get("trun")];
  if (!tfdt || !trun) return [];
  let dts = Number(data.readBigUInt64BE(tfdt.body + 4));
  const count = data.readUInt32BE(trun.body + 4);
  let offset = moofAt + data.readUInt32BE(trun.body + 8);
  const times = uuid.body + captureTimes.length;
  const samples: PlacedSample[] = [];
  for (let i = 0; i < count; i++) {
    const at = trun.body + 12 + bytesPerRow * i;
    const [duration, bytes] = [data.readUInt32BE(at), data.readUInt32BE(at + 4)];
    samples.push({
      key: data.readUInt32BE(at + 8) === keyFlags,
      ...{ pts: dts + data.readInt32BE(at + 12), dts, duration, bytes, offset },
      captureMs: data.readDoubleBE(times + 8 * i),
    });
    dts += duration;
    offset += bytes;
  }
  return samples;
}

/** Whether a `uuid` box holds capture times. */
export function holdsCaptureTimes(data: Buffer, body: number): boolean {
  return data.subarray(body, body + captureTimes.length).equals(captureTimes);
}
