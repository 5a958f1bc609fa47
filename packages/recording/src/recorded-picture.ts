import { type FileHandle, open } from "node:fs/promises";
import { h264Sequence, type Orientation } from "@sightline/media";
import { type CodedPicture, ticksPerSecond } from "./coded-picture.ts";
import type { PlacedSample } from "./mp4/movie-times.ts";
import { describedSets } from "./mp4/sample-entry.ts";
import { annexB } from "./parameter-sets.ts";
import { readSegment } from "./read-segment.ts";
import { type Decodable, isReference } from "./recent-pictures.ts";
import type { RecordingFolder } from "./recording-folder.ts";

/** Capture times may have been rounded to whole nanoseconds; pictures are further apart than this. */
const toleranceMs = 0.05;
/** More than any camera has between two key pictures; they are read into memory. */
const mostBytes = 128 * 1024 * 1024;

/** One picture of a recording, with everything needed to show it. */
export interface RecordedPicture extends Decodable {
  /** How it must be turned to be upright. */
  orientation: Orientation;
  /** It may be interlaced. */
  interlaced: boolean;
}

/**
 * The picture of a camera's recording with this capture time, in milliseconds since 1970; undefined when it, or a picture needed to decode
 * it, is not recorded. @throws when a file cannot be read
 */
export async function readRecordedPicture(
  folder: RecordingFolder,
  camera: string,
  captureMs: number,
): Promise<RecordedPicture | undefined> {
  for (const segment of folder.index.find(camera, captureMs - 1, captureMs + 1)) {
    const path = folder.pathOf(segment);
    const content = await readSegment(path).catch(() => undefined);
    const index =
      content?.samples.findIndex((each) => Math.abs(each.captureMs - captureMs) < toleranceMs) ?? -1;
    const sets = content && index >= 0 ? describedSets(content.description) : undefined;
    if (!content || !sets) continue;
    const key = content.samples.findLastIndex(({ key }, i) => key && i <= index);
    const group = content.samples.slice(key, index + 1);
    if (key < 0 || group.reduce((sum, { bytes }) => sum + bytes, 0) > mostBytes) return undefined;
    const file = await open(path);
    try {
      const read = await Promise.all(group.map((sample, i) => readPicture(file, sample, i)));
      const wanted = read.at(-1)!;
      const needed = read
        .slice(0, -1)
        .filter((picture) => picture.key || isReference(sets.codec, picture.data));
      return {
        ...{ codec: sets.codec, pictures: [...needed, wanted], parameterSets: annexB(sets) },
        orientation: content.orientation,
        interlaced: sets.codec === "H264" && h264Sequence(sets.sequence[0]!)?.framesOnly === false,
      };
    } finally {
      await file.close();
    }
  }
  return undefined;
}

/** The picture with start codes in place of the file's lengths, which have the same size. */
async function readPicture(file: FileHandle, sample: PlacedSample, order: number): Promise<CodedPicture> {
  const { key, offset, bytes, pts, captureMs } = sample;
  const data = Buffer.allocUnsafe(bytes);
  const { bytesRead } = await file.read(data, 0, bytes, offset);
  if (bytesRead < bytes) throw new RangeError("the file ends within a picture");
  for (let at = 0; at + 4 <= bytes; ) {
    const length = data.readUInt32BE(at);
    data.writeUInt32BE(1, at);
    at += 4 + length;
  }
  return { key, data, captureMs, ptsUs: Math.round((pts * 1e6) / ticksPerSecond), arrivedAt: order };
}
