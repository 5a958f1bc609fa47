import { expect, it } from "vitest";
import { fragmentTimes, movieTimes } from "./capture-times.ts";
import { ShownTimes } from "./shown-times.ts";

const box = (type: string, ...content: Buffer[]) => {
  const head = Buffer.alloc(8, type.padStart(8));
  head.writeUInt32BE(8 + content.reduce((sum, { length }) => sum + length, 0));
  return Buffer.concat([head, ...content]);
};
const u32 = (...values: number[]) => Buffer.concat(values.map((value) => int32(value)));
const int32 = (value: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value | 0);
  return buffer;
};
const doubles = (...values: number[]) => {
  const buffer = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) buffer.writeDoubleBE(value, 8 * i);
  return buffer;
};
const bytes = (buffer: Buffer): ArrayBuffer => new Uint8Array(buffer).buffer;
const startMs = 1_764_000_000_000;

/** A fragment of pictures that are decoded every 0.04 s; `offsets` are the ticks from there to when they are shown. */
function fragment(startTicks: number, offsets: readonly number[], captured: readonly number[]): Buffer {
  const start = Buffer.alloc(8);
  start.writeBigUInt64BE(BigInt(startTicks));
  const rows = offsets.map((offset) => u32(3600, 100, 0, offset));
  return Buffer.concat([
    box("uuid", Buffer.from("b0a6f1f4c3a94d1c9d8e5a1f7e2c4b60", "hex"), doubles(...captured)),
    box(
      "moof",
      box("mfhd", u32(0, 1)),
      box(
        "traf",
        box("tfhd", u32(0, 1)),
        box("tfdt", u32(0x0100_0000), start),
        box("trun", u32(0x0100_0f01, offsets.length, 0), ...rows),
      ),
    ),
    box("mdat", Buffer.alloc(40)),
  ]);
}

it("reads when the pictures of a recorded file were captured, B-frames in the order in which they are shown", () => {
  const file = Buffer.concat([
    fragment(90_000, [3600, 7200, -3600], [startMs, startMs + 70, startMs + 80]),
    fragment(100_800, [3600], [startMs + 121.5]),
  ]);
  expect(fragmentTimes(bytes(file))).toEqual([
    { seconds: 1.04, captureMs: startMs },
    { seconds: 1.04, captureMs: startMs + 80 },
    { seconds: 1.12, captureMs: startMs + 70 },
    { seconds: 1.16, captureMs: startMs + 121.5 },
  ]);
});

it("takes nothing from what does not say it, and from what is cut short only what is whole", () => {
  const [first, second] = [fragment(0, [0], [startMs]), fragment(3600, [0], [startMs + 40])];
  expect(fragmentTimes(bytes(Buffer.concat([first, second.subarray(0, 60)])))).toHaveLength(1);
  expect(fragmentTimes(bytes(first.subarray(first.indexOf("moof") - 4)))).toEqual([]);
  expect(fragmentTimes(new ArrayBuffer(0))).toEqual([]);
  expect(fragmentTimes(bytes(Buffer.from("no video at all, but some text")))).toEqual([]);
});

it("reads them of an MP4 as soon as they have come", () => {
  const mark = Buffer.from("5e2d8c17a40b4f6db3c9716f0ad25e83", "hex");
  const movie = Buffer.concat([
    box("ftyp", Buffer.alloc(8)),
    box("moov", Buffer.alloc(100)),
    box("uuid", mark, doubles(startMs), u32(0, 5, 3600, 412, 7200, 600_000)),
    box("mdat", Buffer.alloc(1000)),
  ]);
  expect(movieTimes(bytes(movie.subarray(0, 150)))).toBeUndefined();
  expect(movieTimes(bytes(movie.subarray(0, 220)))).toEqual([
    { seconds: 0, captureMs: startMs + 0.5 },
    { seconds: 0.04, captureMs: startMs + 41.2 },
    // A pause that is left out of the movie.
    { seconds: 0.08, captureMs: startMs + 60_000 },
  ]);
  // Of a server that does not tell it.
  expect(movieTimes(bytes(Buffer.concat([box("ftyp"), box("moov"), box("mdat", Buffer.alloc(9))])))).toEqual(
    [],
  );
});

it("tells what is shown at a time of the player, over the joints of its pieces", () => {
  const times = new ShownTimes();
  let changes = 0;
  times.listen(() => changes++);
  times.set(7, [
    { seconds: 10, captureMs: startMs + 60_000 },
    { seconds: 10.04, captureMs: startMs + 60_050 },
  ]);
  times.set(6, [
    { seconds: 9.92, captureMs: startMs },
    { seconds: 9.96, captureMs: startMs + 33 },
  ]);
  expect(changes).toBe(2);
  expect(times.captureMsAt(9.919)).toBe(startMs);
  expect(times.captureMsAt(9.999999)).toBe(startMs + 60_000);
  expect(times.captureMsAt(9.98)).toBe(startMs + 33);
  expect(times.captureMsAt(10.05)).toBe(startMs + 60_050);
  expect(times.captureMsAt(9.9)).toBeUndefined();
  expect(times.captureMsAt(13)).toBeUndefined();
  for (let piece = 100; piece < 200; piece++) times.set(piece, [{ seconds: piece, captureMs: piece }]);
  expect(times.captureMsAt(10)).toBeUndefined();
  times.clear();
  expect(times.captureMsAt(199)).toBeUndefined();
});
