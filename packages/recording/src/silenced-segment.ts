import { createReadStream } from "node:fs";
import { readSegment, type SegmentContent } from "./read-segment.ts";

/** Bytes of a file and their replacement; zeros where none is given. */
interface Change {
  at: number;
  end: number;
  bytes: Buffer | undefined;
}

const passedOver = Buffer.from("free", "latin1");

/**
 * A segment's file without its sound, from `start` up to, without, `end`. It has the same size as the file, so that positions stay the same: the
 * boxes that announce the sound become boxes that players ignore, and the sound itself becomes zeros. @throws when it cannot be read
 */
export async function* readSilenced(path: string, start: number, end: number): AsyncGenerator<Buffer> {
  const content = await readSegment(path);
  if (!content || content.wholeBytes < end) throw new Error("the recording file ends too early");
  const changes = changesOf(content);
  let at = start;
  let next = 0;
  for await (const chunk of createReadStream(path, { start, end: end - 1 })) {
    const bytes = chunk as Buffer;
    const to = at + bytes.length;
    while (next < changes.length && changes[next]!.end <= at) next += 1;
    for (const { at: from, end: until, bytes: others } of changes.slice(next)) {
      if (from >= to) break;
      const [first, last] = [Math.max(from, at), Math.min(until, to)];
      if (others) others.copy(bytes, first - at, first - from, last - from);
      else bytes.fill(0, first - at, last - at);
    }
    yield bytes;
    at = to;
  }
}

/** Sorted by position. */
function changesOf({ sound, soundBoxes }: SegmentContent): Change[] {
  const changes: Change[] = soundBoxes.map((at) => ({ at: at + 4, end: at + 8, bytes: passedOver }));
  for (const { offset, bytes } of sound?.samples ?? [])
    changes.push({ at: offset, end: offset + bytes, bytes: undefined });
  return changes.sort((a, b) => a.at - b.at);
}
