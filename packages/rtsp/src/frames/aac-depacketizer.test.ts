import { expect, test } from "vitest";
import { parseSdp } from "../session/sdp.ts";
import { rtpPacket } from "../testing/rtp-packets.ts";
import { AacDepacketizer, type AacTrack, aacTrack, type SoundFrame } from "./aac-depacketizer.ts";

const usual = "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3";

function described(rtpmap: string, parameters: string): ReturnType<typeof aacTrack> {
  const { sounds } = parseSdp(
    ["v=0", "m=audio 0 RTP/AVP 97", `a=rtpmap:97 ${rtpmap}`, `a=fmtp:97 ${parameters}`].join("\r\n"),
  );
  return aacTrack(sounds[0]!);
}

const track = described("mpeg4-generic/16000/1", `${usual};config=1408`) as AacTrack;

/** A payload (RFC 3640, 3.2): the sizes of whole frames, then bytes of them. */
function payload(sizes: readonly number[], bytes: Buffer): Buffer {
  const head = Buffer.alloc(2 + 2 * sizes.length);
  head.writeUInt16BE(16 * sizes.length);
  for (const [i, size] of sizes.entries()) head.writeUInt16BE(size << 3, 2 + 2 * i);
  return Buffer.concat([head, bytes]);
}

function framesOf(packets: readonly Buffer[]): SoundFrame[] {
  const frames: SoundFrame[] = [];
  const depacketizer = new AacDepacketizer(track, (frame) => frames.push(frame));
  for (const [i, packet] of packets.entries()) depacketizer.push(packet, i);
  return frames;
}

const bytes = (count: number, value: number) => Buffer.alloc(count, value);

test("a description tells how sound is coded and packed", () => {
  expect(track).toMatchObject({
    config: Buffer.from("1408", "hex"),
    aac: { objectType: 2, sampleRate: 16_000, channels: 1, frameSamples: 1024 },
    ...{ ticksPerSecond: 16_000, sizeBits: 13, indexBits: 3, deltaBits: 3 },
  });
  // HE-AAC as FFmpeg describes it: 24 kHz, which a decoder doubles.
  expect(described("mpeg4-generic/48000/2", `${usual};config=2b098800`)).toMatchObject({
    aac: { objectType: 2, sampleRate: 24_000, channels: 1 },
    ticksPerSecond: 48_000,
  });
});

test.each([
  ["PCMU/8000", "", /codec PCMU is not recorded; set the camera's sound to AAC/],
  ["MP4A-LATM/16000", "config=400024", /codec MP4A-LATM is not recorded/],
  ["mpeg4-generic/16000", usual, /description of its AAC sound cannot be read/],
  ["mpeg4-generic/16000", `${usual};config=ffffffffffff`, /cannot be read/],
  ["mpeg4-generic/16000", "mode=AAC-hbr;config=1408", /sends its AAC sound/],
  ["mpeg4-generic/16000", `${usual};config=1408;maxDisplacement=4`, /sends its AAC sound/],
  // Frames that take nearly no bits: one packet would have millions.
  ["mpeg4-generic/16000", "mode=AAC-hbr;config=1408;sizelength=0.001", /sends its AAC sound/],
  ["mpeg4-generic/16000", `${usual};config=1408;indexdeltalength=1e-9`, /sends its AAC sound/],
])("%s with '%s' is not taken, and why is said", (rtpmap, parameters, why) => {
  expect(described(rtpmap, parameters)).toEqual({ fault: expect.stringMatching(why) });
});

test("frames of one packet follow on one another, also where the time goes round", () => {
  const both = payload([3, 4], Buffer.concat([bytes(3, 1), bytes(4, 2)]));
  const frames = framesOf([
    rtpPacket(both, 10, 0xffff_fe00, true),
    rtpPacket(payload([5], bytes(5, 3)), 11, 0x600, true),
  ]);
  expect(frames.map(({ data, ticks }) => [data.length, data[0], ticks])).toEqual([
    [3, 1, 0],
    [4, 2, 1024],
    [5, 3, 2048],
  ]);
});

test("a frame in several packets is whole with its last; one that lacks a packet is left out", () => {
  const parts = (first: number, timestamp: number) =>
    [0, 1, 2].map((i) => rtpPacket(payload([25], bytes(i === 2 ? 5 : 10, i)), first + i, timestamp, i === 2));
  const lost = parts(23, 2048).toSpliced(1, 1);
  const frames = framesOf([...parts(20, 1024), ...lost, ...parts(26, 3072)]);
  expect(frames.map(({ data, ticks, arrivedAt }) => [data.length, ticks, arrivedAt])).toEqual([
    [25, 0, 2],
    [25, 2048, 7],
  ]);
});

test("what is no such packet is passed over", () => {
  const good = rtpPacket(payload([4], bytes(4, 9)), 5, 0, true);
  const bad = [
    ...[Buffer.alloc(0), Buffer.alloc(5, 0xff), rtpPacket(Buffer.alloc(0), 1, 0, true)],
    rtpPacket(Buffer.from([0xff, 0xff, 1, 2]), 2, 0, true),
    rtpPacket(Buffer.from([0, 0, 1, 2]), 3, 0, true),
    rtpPacket(payload([4, 200], bytes(6, 1)), 4, 0, true),
  ];
  expect(framesOf([...bad, good]).at(-1)?.data).toEqual(bytes(4, 9));
  // Whatever comes: no error, and nothing that grows.
  for (let round = 0; round < 2_000; round++) {
    const noise = Buffer.from(Array.from({ length: round % 60 }, (_, i) => (round * 31 + i * i * 7) & 0xff));
    for (const { data } of framesOf([rtpPacket(noise, round, round, true), noise]))
      expect(data.length).toBeLessThanOrEqual(60);
  }
});
