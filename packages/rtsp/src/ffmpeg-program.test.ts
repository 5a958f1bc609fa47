import { expect, test } from "vitest";
import { type FfmpegReport, FfmpegReportReader } from "./ffmpeg-program.ts";
import { cameraFrameRate } from "./frame-rate.ts";

const output = `Input #0, concat, from 'pipe:0':
  Stream #0:0: Video: h264 (High), yuv420p(progressive), 768x576, 10 tbr, 90k tbn
stream #0:
  keyframe=1
  duration=0.100
  dts=1.000  pts=1.033
  size=95960
[showinfo@decoded @ 0x559719ad8300] config in time_base: 1/90000, frame_rate: 10/1
[showinfo@decoded @ 0x559719ad8300] n:   0 pts:  93003 pts_time:1.03337 pos:       -1 fmt:yuv420p sar:12/11 s:768x576 i:T iskey:1 type:I 
[showinfo@decoded @ 0x559719ad8300] color_range:unknown color_space:unknown color_primaries:unknown color_trc:unknown
[showinfo@sampled @ 0x559719b16080] n:   0 pts:  93003 pts_time:1.03337 pos:       -1 fmt:yuv420p sar:0/1 s:768x576 i:P iskey:1 type:I 
  Stream #0:0: Video: rawvideo (G3[0][8] / 0x8003347), gbrp(pc), 640x640, q=2-31, 98304 kb/s, 10 fps, 10 tbn
stream #0:
  keyframe=0
  duration=0.100
  dts=N/A  pts=N/A
  size=9719
[h264 @ 0x55dd50782580] decode_slice_header error
`;

const expected: FfmpegReport[] = [
  { kind: "codec", codec: "h264" },
  { kind: "packet", ptsUs: 1_033_000, key: true },
  { kind: "decoded", ptsUs: 1_033_367, width: 838, height: 576, interlaced: true },
  { kind: "sampled", ptsUs: 1_033_367 },
  { kind: "packet", ptsUs: undefined, key: false },
];

function read(pieces: string[]) {
  const reports: FfmpegReport[] = [];
  const reader = new FfmpegReportReader((report) => reports.push(report));
  for (const piece of pieces) reader.write(piece);
  reader.end();
  return {
    facts: reports.filter(({ kind }) => kind !== "message"),
    messages: reports.flatMap((report) => (report.kind === "message" ? [report.text] : [])),
  };
}

test("tells packets, pictures and the codec from what ffmpeg 5.1 writes; the rest is for people", () => {
  const { facts, messages } = read([output]);
  expect(facts).toEqual(expected);
  expect(messages).toHaveLength(4);
  expect(messages.at(-1)).toContain("decode_slice_header error");
});

test("reads the same however the output is cut", () => {
  for (const size of [1, 7, 64]) {
    const pieces = output.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
    expect(read(pieces).facts).toEqual(expected);
  }
});

const tenth = (count: number) => Array.from({ length: count }, (_, i) => 100_000 * i);

test("the rate is that of the pictures' times; one that is there twice counts once", () => {
  expect(cameraFrameRate([0, 0, ...tenth(8)], [])).toBe(10);
  expect(cameraFrameRate([5], [])).toBeUndefined();
});

test("times that stand still, or move by pairs, tell no rate, and the frames' arrival does", () => {
  const still = tenth(8).map((_, i) => 11 * i);
  const pairs = tenth(8).map((time, i) => (i % 2 === 0 ? time : time - 100_000 + 11));
  expect([still, pairs].map((times) => cameraFrameRate(times, tenth(8)))).toEqual([10, 10]);
  expect(cameraFrameRate(still, still)).toBeUndefined();
});
