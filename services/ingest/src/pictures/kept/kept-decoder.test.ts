import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { MaskPolygon } from "@sightline/media";
import { type CodedPicture, RecentPictures } from "@sightline/recording";
import { type NumberedOptions, numberedVideo, sentPictures } from "@sightline/recording/testing";
import type { VideoClip } from "@sightline/rtsp/testing";
import sharp from "sharp";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { type DecodeOptions, decodePicture } from "../decode-picture.ts";
import { KeptDecoder } from "./kept-decoder.ts";

const ffmpeg = { path: process.env.FFMPEG_PATH ?? "ffmpeg", memoryMib: 2048 };
const kept = new KeptDecoder({ memoryMib: 2048 });
afterAll(() => kept.stop());

let streams = 0;

/** A camera's connection that has sent these pictures. */
function connection(codec: VideoClip["codec"], pictures: readonly CodedPicture[]) {
  const recent = new RecentPictures(codec as "H264", { maxAgeMs: 1e9, cameraBytes: () => 1e9 });
  for (const picture of pictures) recent.push(picture);
  const stream = streams++;
  const decodable = (index: number) => recent.find(pictures[index]!.arrivedAt)!;
  return {
    decodable,
    decode: (index: number, options: Partial<DecodeOptions> = {}) =>
      kept.decode(stream, decodable(index), look(options)),
    /** By an ffmpeg of its own. */
    reference: (index: number, options: Partial<DecodeOptions> = {}) =>
      decodePicture(decodable(index), ffmpeg, look(options)),
  };
}

function look(options: Partial<DecodeOptions>): DecodeOptions {
  return {
    ...{ interlaced: false, orientation: 1, masks: [], maxWidth: undefined, quality: 95 },
    ...{ signal: AbortSignal.timeout(30_000), ...options },
  };
}

/** The number that a picture of numbered video shows. */
async function shownIn(jpeg: Uint8Array, turn: 0 | 90 | 180 | 270 = 0): Promise<number> {
  const stripes = await sharp(await sharp(jpeg).rotate(turn).toBuffer())
    .greyscale()
    .resize(12, 1, { fit: "fill", kernel: "linear" })
    .raw()
    .toBuffer();
  return stripes.reduce((sum, value, bit) => sum + (value > 127 ? 2 ** bit : 0), 0);
}

const rgb = (jpeg: Uint8Array) => sharp(jpeg).raw().toBuffer({ resolveWithObject: true });

async function difference(a: Uint8Array, b: Uint8Array): Promise<number> {
  const [one, two] = [await rgb(a), await rgb(b)];
  expect(one.info).toMatchObject({ width: two.info.width, height: two.info.height });
  return one.data.reduce((sum, value, i) => sum + Math.abs(value - two.data[i]!), 0) / one.data.length;
}

const rate = 25;
/** Which number the index-th picture of those sent shows. */
const numberOf = (clip: VideoClip, index: number) => {
  const times = clip.units.map(({ pts }) => pts).sort((a, b) => a - b);
  return times.indexOf(clip.units[index]!.pts);
};

/** In colour, at two edges of the picture. */
const coloured = "drawbox=w=iw:h=16:c=magenta:t=fill,drawbox=w=iw:h=16:y=ih-16:c=green:t=fill";

describe.each<[string, NumberedOptions]>([
  ["H264 without B-frames", { encode: ["-bf", "0"] }],
  ["H264 with B-frames", { encode: ["-bf", "3", "-b_strategy", "0"] }],
  ["H264 of full range and BT.709", { encode: ["-pix_fmt", "yuvj420p", "-colorspace", "bt709"] }],
  ["H264 with 4:2:2", { encode: ["-pix_fmt", "yuv422p"] }],
  ["H264 with pixels that are not square", { filter: `${coloured},setsar=4/3` }],
  ["H264 of a size that is not even blocks", { size: [390, 130] }],
  ["H265 with B-frames", { codec: "H265", encode: ["-bf", "3"] }],
  ["H265 with 10 bits", { codec: "H265", encode: ["-pix_fmt", "yuv420p10le"] }],
])("%s", (_, options) => {
  const made = numberedVideo({ seconds: 2, rate, filter: coloured, ...options });

  test.each([0, 1, 2, 3, 7, 24, 25, 40])(
    "the %ith picture that was sent, as ffmpeg alone makes it",
    async (index) => {
      const clip = await made;
      const { decode, reference } = connection(clip.codec, sentPictures(clip));
      const picture = await decode(index);
      expect(await shownIn(picture.data)).toBe(numberOf(clip, index));
      const its = await reference(index);
      expect(picture).toMatchObject({ width: its.width, height: its.height });
      expect(await difference(picture.data, its.data)).toBeLessThan(1.5);
    },
  );
});

const masks: MaskPolygon[] = [
  [
    [0.1, 0.5],
    [0.9, 0.55],
    [0.7, 0.95],
  ],
  [
    [0.3, 0.05],
    [0.6, 0.05],
    [0.6, 0.2],
    [0.3, 0.2],
  ],
];

test.each([1, 2, 3, 4, 5, 6, 7, 8] as const)(
  "orientation %i, with masks, and smaller: as ffmpeg alone makes it",
  async (orientation) => {
    const clip = await numberedVideo({ seconds: 1, rate, encode: ["-bf", "2"], filter: coloured });
    const { decode, reference } = connection(clip.codec, sentPictures(clip));
    for (const options of [{}, { masks }, { masks, maxWidth: 101 }]) {
      const [picture, its] = [
        await decode(9, { orientation, ...options }),
        await reference(9, { orientation, ...options }),
      ];
      expect(picture.width > picture.height).toBe(orientation < 5);
      expect(await difference(picture.data, its.data)).toBeLessThan(1.5);
    }
    const turn = ({ 3: 180, 6: 270, 8: 90 } as const)[orientation as 3];
    if (turn !== undefined)
      expect(await shownIn((await decode(9, { orientation })).data, turn)).toBe(numberOf(clip, 9));
  },
);

test("nothing of what a mask hides is in the picture", async () => {
  const secret = "drawbox=x=iw*0.25:y=ih*0.25:w=iw*0.5:h=ih*0.5:c=magenta:t=fill";
  const clip = await numberedVideo({ seconds: 1, rate, size: [640, 360], filter: secret });
  const { decode } = connection(clip.codec, sentPictures(clip));
  const corners: MaskPolygon = [
    [0.25, 0.25],
    [0.75, 0.25],
    [0.75, 0.75],
    [0.25, 0.75],
  ];
  const colours = async (options: Partial<DecodeOptions>) => {
    const { data } = await rgb((await decode(12, options)).data);
    let most = 0;
    for (let i = 0; i < data.length; i += 3) {
      const pixel = data.subarray(i, i + 3);
      most = Math.max(most, Math.max(...pixel) - Math.min(...pixel));
    }
    return most;
  };
  expect(await colours({})).toBeGreaterThan(200);
  for (const maxWidth of [undefined, 333, 64])
    expect(await colours({ masks: [corners], maxWidth })).toBeLessThan(30);
});

test("the colours of a stream that says BT.709 are those that ffmpeg shows", async () => {
  const clip = await numberedVideo({
    ...{ seconds: 1, rate, filter: "drawbox=w=iw:h=ih:c=green:t=fill" },
    encode: ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"],
  });
  const { decode, reference } = connection(clip.codec, sentPictures(clip));
  const input = Buffer.concat(clip.units.map(({ data }) => data));
  const args = ["-v", "error", "-f", "h264", "-i", "pipe:0", "-frames:v", "1", "-vf", "format=rgb24"];
  const shown = execFileSync(ffmpeg.path, [...args, "-f", "rawvideo", "pipe:1"], { input, maxBuffer: 1e9 });
  for (const { data } of [await decode(0), await reference(0)])
    for (const channel of [0, 1, 2])
      expect(Math.abs((await rgb(data)).data[channel]! - shown[channel]!)).toBeLessThan(6);
});

test.each<[string, NumberedOptions]>([
  ["H264", { encode: ["-bf", "0"] }],
  ["H265", { codec: "H265", encode: ["-x265-params", "log-level=error:scenecut=0:keyint=25:bframes=0"] }],
])(
  "%s: it goes on from the last picture to a later one of the group, and begins again for an earlier one",
  async (_, options) => {
    const clip = await numberedVideo({ seconds: 2, rate, ...options });
    const { decode } = connection(clip.codec, sentPictures(clip));
    for (const [index, decoded] of [
      [10, 11],
      [14, 4],
      [15, 1],
      [15, 16],
      [3, 4],
      [24, 21],
      // The next group.
      [26, 2],
      [20, 21],
    ] as const) {
      const picture = await decode(index);
      expect(picture.decoded).toBe(decoded);
      expect(await shownIn(picture.data)).toBe(index);
    }
  },
);

test("where pictures were lost on the way, it goes on to the same pixels as one that begins again", async () => {
  const clip = await numberedVideo({ seconds: 1, rate, encode: ["-bf", "0"] });
  const lossy = sentPictures(clip).filter((_, i) => i % 7 !== 5);
  const { decode, reference } = connection(clip.codec, lossy);
  for (const index of [2, 4, 9, 13, 14, lossy.length - 1]) {
    const picture = await decode(index);
    const begun = await connection(clip.codec, lossy).decode(index);
    expect(Buffer.compare(picture.data, begun.data)).toBe(0);
    expect(await difference(picture.data, (await reference(index)).data)).toBeLessThan(1.5);
  }
});

test("with B-frames it begins again each time: the decoder holds pictures back for their order", async () => {
  const clip = await numberedVideo({ seconds: 1, rate, encode: ["-bf", "2", "-b_strategy", "0"] });
  const { decode, decodable } = connection(clip.codec, sentPictures(clip));
  for (const index of [4, 5, 6, 7, 12, 3]) {
    const picture = await decode(index);
    expect(await shownIn(picture.data)).toBe(numberOf(clip, index));
    expect(picture.decoded).toBe(decodable(index).pictures.length);
  }
});

test("a stream whose resolution changes has each picture in its own", async () => {
  const parts = [
    await numberedVideo({ seconds: 1, rate, encode: ["-bf", "0"] }),
    await numberedVideo({ seconds: 1, rate, encode: ["-bf", "0"], size: [768, 256] }),
  ];
  const pictures = parts.flatMap((clip, i) =>
    sentPictures(clip, { startMs: 1.764e12 + 1000 * i, startPtsUs: 1e6 * i }),
  );
  const { decode } = connection("H264", pictures);
  for (const [index, width] of [
    [3, 384],
    [20, 384],
    [28, 768],
    [30, 768],
    [22, 384],
  ] as const) {
    const picture = await decode(index);
    expect(picture.width).toBe(width);
    expect(await shownIn(picture.data)).toBe(index % 25);
  }
});

test("many pictures of many connections at a time: each gets its own", async () => {
  const clip = await numberedVideo({ seconds: 1, rate, encode: ["-bf", "0"] });
  const cameras = Array.from({ length: 8 }, () => connection(clip.codec, sentPictures(clip)));
  const asked = Array.from({ length: 64 }, (_, i) => ({ camera: cameras[i % 8]!, index: (i * 7) % 25 }));
  const pictures = await Promise.all(asked.map(({ camera, index }) => camera.decode(index)));
  for (const [i, { data }] of pictures.entries()) expect(await shownIn(data)).toBe(asked[i]!.index);
});

test("a picture after the process was killed comes from a new one", async () => {
  const clip = await numberedVideo({ seconds: 1, rate });
  const { decode } = connection(clip.codec, sentPictures(clip));
  await decode(0);
  const first = kept.pid!;
  process.kill(first, "SIGSTOP");
  const asked = decode(5);
  process.kill(first, "SIGKILL");
  await expect(asked).rejects.toMatchObject({ code: "decoder_ended" });
  const picture = await decode(5);
  expect(await shownIn(picture.data)).toBe(numberOf(clip, 5));
  expect(kept.pid).not.toBe(first);
});

test("who waits for a process that hangs is let go at his time limit", async () => {
  const clip = await numberedVideo({ seconds: 1, rate });
  const { decode } = connection(clip.codec, sentPictures(clip));
  await decode(0);
  process.kill(kept.pid!, "SIGSTOP");
  await expect(decode(5, { signal: AbortSignal.timeout(200) })).rejects.toThrow(/timeout/);
  process.kill(kept.pid!, "SIGCONT");
  expect(await shownIn((await decode(6)).data)).toBe(numberOf(clip, 6));
});

test("a process that hangs is ended", async () => {
  const clip = await numberedVideo({ seconds: 1, rate });
  const { decodable } = connection(clip.codec, sentPictures(clip));
  const impatient = new KeptDecoder({ memoryMib: 2048, longestMs: 3_000 });
  onTestFinished(() => impatient.stop());
  await impatient.decode(1, decodable(0), look({}));
  process.kill(impatient.pid!, "SIGSTOP");
  await expect(impatient.decode(1, decodable(5), look({}))).rejects.toMatchObject({ code: "decoder_ended" });
});

test("a process that nobody asks ends, and another is there for who asks again", async () => {
  const clip = await numberedVideo({ seconds: 1, rate });
  const { decodable } = connection(clip.codec, sentPictures(clip));
  const brief = new KeptDecoder({ memoryMib: 2048, idleMs: 50 });
  onTestFinished(() => brief.stop());
  await brief.decode(1, decodable(0), look({}));
  const first = brief.pid;
  await expect.poll(() => brief.pid).toBeUndefined();
  const { data } = await brief.decode(1, decodable(5), look({}));
  expect(await shownIn(data)).toBe(numberOf(clip, 5));
  expect(brief.pid).not.toBe(first);
});

test("garbage is refused, and disturbs no other picture", async () => {
  const clip = await numberedVideo({ seconds: 1, rate, encode: ["-bf", "0"] });
  const whole = sentPictures(clip);
  const { decode } = connection(clip.codec, whole);
  const noise = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 7919 + (i >> 3)) % 251);
  const broken = whole.map((picture, i) =>
    i === 0 ? picture : { ...picture, data: Buffer.concat([Buffer.from([0, 0, 0, 1, 0x41]), noise(400)]) },
  );
  const headless = whole.map((picture) => ({
    ...picture,
    data: Buffer.concat([picture.data.subarray(0, 60), noise(picture.data.length)]),
  }));
  const outcomes = await Promise.all([
    ...[broken, headless].map((pictures) =>
      connection(clip.codec, pictures)
        .decode(4)
        .then(({ data }) => shownIn(data))
        .catch((error) => error),
    ),
    decode(7).then(({ data }) => shownIn(data)),
  ]);
  // FFmpeg may make a picture of some of it; it is never taken for another.
  for (const outcome of outcomes.slice(0, 2))
    if (typeof outcome !== "number") expect(outcome).toMatchObject({ code: "picture_undecodable" });
  expect(outcomes[2]).toBe(7);
  expect(await shownIn((await decode(8)).data)).toBe(8);
});

test("a process that cannot start says why", async () => {
  const nothing = new KeptDecoder({ memoryMib: 2048, entry: new URL("no-such-program.ts", import.meta.url) });
  const clip = await numberedVideo({ seconds: 1, rate });
  const { decodable } = connection(clip.codec, sentPictures(clip));
  const asked = nothing.decode(1, decodable(0), look({}));
  await expect(asked).rejects.toMatchObject({ code: "decoder_unavailable" });
  await expect(asked).rejects.toThrow(/no-such-program/);
});

test.runIf(process.platform === "linux")("what the process writes to is bounded", async () => {
  const clip = await numberedVideo({ seconds: 1, rate });
  await connection(clip.codec, sentPictures(clip)).decode(0);
  const limit = /^Max data size\s+(\S+)/m.exec(readFileSync(`/proc/${kept.pid}/limits`, "utf8"))?.[1];
  expect(Number(limit)).toBe((2048 + 1024) * 1024 ** 2);
});
