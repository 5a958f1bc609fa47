import { expect, test } from "vitest";
import { rtpPacket, rtpPayloads } from "../testing/rtp-packets.ts";
import { isKey, readClip, type VideoClip } from "../testing/video-clip.ts";
import { type CodedFrame, FrameAssembler } from "./frame-assembler.ts";

const slices = ["-c:v", "libx264", "-preset", "veryfast", "-slices", "4", "-g", "10", "-threads", "1"];
const h265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:slices=2"];
const clips: Readonly<Record<string, VideoClip>> = {
  H264: await readClip({ seconds: 2 }),
  "H264 in slices": await readClip({ seconds: 2, encode: slices }),
  H265: await readClip({ codec: "H265", seconds: 2, encode: h265 }),
};

/** Sends a clip's pictures; packet n of all arrives at n. `change` may drop packets, or change them. */
function play(
  clip: VideoClip,
  change: (packets: Buffer[], index: number) => Buffer[] = (packets) => packets,
  timestamp: (index: number) => number = (index) => 0xffff_0000 + index * 9_000,
) {
  const frames: (CodedFrame & { givenAt: number })[] = [];
  let now = 0;
  let sequence = 65_530;
  const lastPacket: number[] = [];
  const assembler = new FrameAssembler(clip.codec, [], (frame) => frames.push({ ...frame, givenAt: now }));
  for (const [index, { data }] of clip.units.entries()) {
    const payloads = rtpPayloads(clip.codec, data);
    const packets = payloads.map((payload, i) =>
      rtpPacket(payload, sequence++, timestamp(index), i === payloads.length - 1),
    );
    for (const packet of change(packets, index)) assembler.push(packet, ++now);
    lastPacket.push(now);
  }
  assembler.end();
  return { frames, lastPacket };
}

const marked = (on: (index: number, count: number) => boolean) => (packets: Buffer[]) => {
  for (const [i, packet] of packets.entries())
    packet[1] = on(i, packets.length) ? packet[1]! | 0x80 : packet[1]! & 0x7f;
  return packets;
};
/** Behind the last fragment of each unit, as some cameras set it. */
const everyUnit = (packets: Buffer[]) => {
  for (const packet of packets) {
    const type = packet[12]! & 0x1f;
    const last = type !== 28 || (packet[13]! & 0x40) !== 0;
    packet[1] = last ? packet[1]! | 0x80 : packet[1]! & 0x7f;
  }
  return packets;
};
const still = () => 7;

test.each([
  ["H264", "usual markers", undefined, undefined],
  ["H264", "no markers", marked(() => false), undefined],
  ["H264", "a time that stands still", undefined, still],
  ["H264", "no markers and a time that stands still", marked(() => false), still],
  ["H264 in slices", "usual markers", undefined, undefined],
  ["H264 in slices", "a marker at every slice", everyUnit, undefined],
  ["H264 in slices", "no markers", marked(() => false), undefined],
  ["H265", "usual markers", undefined, undefined],
  ["H265", "no markers", marked(() => false), undefined],
] as const)("%s with %s: each picture is given whole, with the arrival of its own last packet", (...row) => {
  const [name, , change, timestamp] = row;
  const clip = clips[name]!;
  const { frames, lastPacket } = play(clip, change, timestamp);
  expect(frames.map(({ arrivedAt }) => arrivedAt)).toEqual(lastPacket);
  expect(frames.map(({ key }) => key)).toEqual(clip.units.map((unit) => isKey(clip.codec, unit)));
  expect(frames.map(({ ticks }) => ticks)).toEqual(
    clip.units.map((_, i) => (timestamp === still ? 0 : i * 9_000)),
  );
});

test("with markers a picture is given at once, but for the first, which shows that they are to be relied on", () => {
  const { frames } = play(clips["H264 in slices"]!);
  for (const { givenAt, arrivedAt } of frames.slice(1)) expect(givenAt).toBe(arrivedAt);
});

test("of a picture that lacks a packet the fragments behind it are left out, and the next is whole", () => {
  const clip = clips.H264!;
  const { frames } = play(clip, (packets, index) => (index === 10 ? packets.toSpliced(-2, 1) : packets));
  const whole = play(clip).frames;
  expect(frames.length).toBe(whole.length);
  expect(frames[10]!.data.length).toBeLessThan(whole[10]!.data.length);
  expect(whole[10]!.data.subarray(0, frames[10]!.data.length).equals(frames[10]!.data)).toBe(true);
  expect(frames[11]!.data.equals(whole[11]!.data)).toBe(true);
});

test("several units in one packet are taken apart, and parameter sets of the description come first", () => {
  const unit = (...bytes: number[]) => Buffer.from([0, bytes.length, ...bytes]);
  const frames: CodedFrame[] = [];
  const assembler = new FrameAssembler("H264", [Buffer.from([0x67, 1])], (frame) => frames.push(frame));
  const payload = Buffer.concat([Buffer.from([24]), unit(0x68, 2), unit(0x65, 0x80)]);
  assembler.push(rtpPacket(payload, 1, 0, true), 5);
  assembler.end();
  expect(frames).toEqual([
    {
      data: Buffer.from([0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 0x80]),
      ...{ ticks: 0, key: true, orientation: 1, arrivedAt: 5 },
    },
  ]);
});

test("bytes that are not RTP, and units that are cut short, are passed over", () => {
  const frames: CodedFrame[] = [];
  for (const codec of ["H264", "H265"] as const) {
    const assembler = new FrameAssembler(codec, [], (frame) => frames.push(frame));
    for (let length = 1; length < 40; length++)
      for (const first of [0x80, 0x9f, 0xb0, 0xff, 0])
        for (const type of [24, 28, 29, 48 << 1, 49 << 1, 5])
          assembler.push(Buffer.alloc(length, type).fill(first, 0, 1), 0);
    assembler.end();
  }
  for (const { data } of frames) expect(data.length).toBeLessThan(50_000);
});

test("memory is bounded by bytes that are kept, not by how many pieces they come in", () => {
  const frames: CodedFrame[] = [];
  const assembler = new FrameAssembler("H264", [], (frame) => frames.push(frame));
  let sequence = 0;
  const push = (timestamp: number, ...payload: number[]) =>
    assembler.push(rtpPacket(Buffer.from(payload), sequence++, timestamp, false), 0);
  // One picture whose fragments hold a byte or none: half of this many would take 2 GB as pieces of their own.
  push(1, 28, 0x80 | 5, 0x80);
  const before = process.memoryUsage().rss;
  const most = 300_000;
  for (let i = 0; i < most; i++) push(1, 28, 5, ...(i % 2 ? [7] : []));
  push(2, 0x65, 0x80);
  assembler.end();
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  expect(frames.map(({ data }) => data.length)).toEqual([4 + 2 + most / 2, 6]);
});
