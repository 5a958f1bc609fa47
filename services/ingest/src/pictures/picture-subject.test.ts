import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  DropReason,
  decodeJson,
  encodeJson,
  limits,
  type PictureRequest,
  pictureAnswerSchema,
  pictureHeader,
  subjects,
} from "@sightline/contracts";
import { type NumberedOptions, numberedVideo } from "@sightline/recording/testing";
import { ScriptedCamera } from "@sightline/rtsp/testing";
import { projectRoot } from "@sightline/stack";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { letterboxFilters } from "../analysis-geometry.ts";
import { IngestRig, testModel } from "../testing/ingest-rig.ts";
import type { WorkerFrame } from "../testing/test-worker.ts";

let rig: IngestRig;
let address: string;

beforeAll(async () => {
  rig = await IngestRig.start();
  ({ address } = await rig.ingest());
});

afterAll(() => rig?.stop());

async function picture(camera: string, request: PictureRequest = {}) {
  const reply = await rig.nats.connection.request(subjects.pictureGet(camera), encodeJson(request), {
    timeout: 30_000,
  });
  const header = reply.headers?.get(pictureHeader) ?? "";
  return { answer: decodeJson(pictureAnswerSchema, Buffer.from(header)), jpeg: reply.data };
}

async function memoryBytes(): Promise<number> {
  const metrics = await (await fetch(`http://${address}/metrics`)).text();
  return Number(/^sightline_picture_memory_bytes (\S+)/m.exec(metrics)?.[1]);
}

async function rgb(jpeg: Uint8Array): Promise<Uint8Array> {
  return sharp(jpeg).raw().toBuffer();
}

/** R, G, B bytes of what the worker was given, without the padding. */
function givenPixels({ frame, pixels }: WorkerFrame): Uint8Array {
  const { width, height, letterbox } = frame;
  const { left, top, width: columns, height: rows } = letterbox!;
  const out = new Uint8Array(3 * columns * rows);
  const planes = [2, 0, 1];
  for (let i = 0; i < out.length; i++) {
    const [x, y] = [Math.floor(i / 3) % columns, Math.floor(i / 3 / columns)];
    out[i] = pixels[(planes[i % 3]! * height + top + y) * width + left + x]!;
  }
  return out;
}

/** R, G, B bytes of the clip's frames from the first to the last of these, as ffmpeg scales them; ingest goes on meanwhile. */
async function clipFrames(first: number, last: number): Promise<Uint8Array[]> {
  const { width, height } = { width: 316, height: 237 };
  const filters = [
    `select='between(n,${first},${last})'`,
    ...letterboxFilters(testModel),
    `crop=${width}:${height}:2:9`,
    "format=rgb24",
  ];
  const { stdout: pixels } = await promisify(execFile)(
    process.env.FFMPEG_PATH ?? "ffmpeg",
    ["-v", "error", "-i", join(projectRoot, "test/fixtures/pedestrians.mp4")].concat([
      "-vf",
      filters.join(","),
      "-fps_mode",
      "passthrough",
      "-f",
      "rawvideo",
      "pipe:1",
    ]),
    { maxBuffer: 1e8, encoding: "buffer" },
  );
  const bytes = 3 * width * height;
  return Array.from({ length: last - first + 1 }, (_, i) => pixels.subarray(i * bytes, (i + 1) * bytes));
}

function difference(a: Uint8Array, b: Uint8Array): number {
  expect(a.byteLength).toBe(b.byteLength);
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.byteLength;
}

test("the picture of a frame is of that frame: the worker's pixels, and ffmpeg's of the clip at its time", async () => {
  const cameras = await rig.cameras(1);
  await rig.register("exact", { uri: cameras.url("camera-1") });
  for (const count of [3, 9, 15]) {
    await rig.framesOf("exact", count);
    const given = rig.worker.of("exact").at(-2)!;
    const { epoch, number, ptsUs } = given.frame;
    const { answer, jpeg } = await picture("exact", { epoch, number, quality: 100 });
    expect(answer).toMatchObject({ ok: true, epoch, number, ptsUs, width: 316, height: 237 });
    const pixels = await rgb(jpeg);
    expect(difference(pixels, givenPixels(given))).toBeLessThan(1.5);
    // The server plays the clip from its first frame to whoever connects, so the n-th frame counted is its n-th.
    const frames = await clipFrames(Math.max(0, number - 4), number + 2);
    const near = frames.map((each) => difference(pixels, each));
    const best = near.indexOf(Math.min(...near));
    expect(Math.max(0, number - 4) + best).toBe(number - 1);
    expect(near[best]).toBeLessThan(1.5);
  }
});

test("without a number it is the newest that a worker was given", async () => {
  const before = rig.worker.of("exact").at(-1)!.frame.number;
  const { answer, jpeg } = await picture("exact", { maxWidth: 100 });
  expect(answer).toMatchObject({ ok: true, epoch: rig.worker.of("exact")[0]!.frame.epoch, width: 100 });
  expect(answer.ok && answer.number).toBeGreaterThanOrEqual(before);
  expect(await sharp(jpeg).metadata()).toMatchObject({ format: "jpeg", width: 100, height: 75 });
});

test("a frame that is old, of another epoch or never was is gone, and a bad request fails", async () => {
  const { epoch, number } = rig.worker.of("exact")[0]!.frame;
  // Two seconds at ten frames per second.
  await rig.framesOf("exact", 30);
  expect(await picture("exact", { epoch, number })).toMatchObject({ answer: { ok: false, reason: "gone" } });
  const newest = rig.worker.of("exact").at(-1)!.frame.number;
  const gone = { answer: { ok: false, reason: "gone" } };
  expect(await picture("exact", { epoch: "another", number: newest })).toMatchObject(gone);
  expect(await picture("exact", { epoch, number: newest + 1000 })).toMatchObject(gone);
  const failed = { answer: { ok: false, reason: "failed" } };
  expect(await picture("exact", { maxWidth: 1 })).toMatchObject(failed);
});

test("more requests at a time than can wait are refused, the others answered, and frames go on", async () => {
  const { epoch, number } = rig.worker.of("exact").at(-1)!.frame;
  const answers = await Promise.all(Array.from({ length: 300 }, () => picture("exact", { epoch, number })));
  const busy = answers.filter(({ answer }) => !answer.ok && answer.reason === "busy").length;
  const made = answers.filter(({ answer }) => answer.ok).length;
  expect(busy + made).toBe(300);
  expect(busy).toBeGreaterThan(0);
  expect(made).toBeGreaterThan(30);
  await rig.framesOf("exact", rig.worker.of("exact").length + 5);
  const metrics = await (await fetch(`http://${address}/metrics`)).text();
  expect(metrics).toContain(`sightline_pictures_total{outcome="busy"} ${busy}`);
});

test("no frame is changed while it is kept, whatever becomes of it at the worker", async () => {
  const cameras = await rig.cameras(1);
  rig.worker.outcome = ({ camera, frame }) => {
    if (camera !== "fates") return "infer";
    return frame.number % 3 === 0 ? { drop: DropReason.STALE } : frame.number % 7 === 0 ? "silent" : "infer";
  };
  await rig.register("fates", { uri: cameras.url("camera-1") });
  await rig.framesOf("fates", 30);
  let kept: [WorkerFrame, Uint8Array][] = [];
  // As many at once as come in half the time for which they are kept, when nothing holds them up.
  const newest = async () => {
    const recent = rig.worker.of("fates").slice(-10);
    const pictures = await Promise.all(
      recent.map(({ frame: { epoch, number } }) => picture("fates", { epoch, number, quality: 100 })),
    );
    kept = recent.map((given, i) => [given, pictures[i]!.jpeg]);
    return pictures.map(({ answer }) => answer.ok);
  };
  await expect.poll(newest).toEqual(Array(10).fill(true));
  for (const [given, jpeg] of kept) expect(difference(await rgb(jpeg), givenPixels(given))).toBeLessThan(1.5);
  rig.worker.outcome = () => "infer";
  await rig.remove("fates");
});

test("a camera that went down has no picture after a while, and its frames' memory is free", async () => {
  const cameras = await rig.cameras(1);
  await rig.register("dying", { uri: cameras.url("camera-1") });
  await rig.framesOf("dying", 3);
  expect((await picture("dying")).answer.ok).toBe(true);
  await rig.remove("exact");
  await cameras.fault("die");
  await expect
    .poll(async () => (await picture("dying")).answer)
    .toMatchObject({ ok: false, reason: "no_frame" });
  await expect.poll(memoryBytes).toBe(0);
  await rig.remove("dying");
});

test("frames are kept for two seconds and no longer", async () => {
  const frameBytes = limits.frameHeaderBytes + 3 * testModel.width * testModel.height;
  const cameras = await rig.cameras(1);
  await rig.register("bounded", { uri: cameras.url("camera-1") });
  await rig.framesOf("bounded", 40);
  // Twenty, unless frames were held up and came together.
  const frames = async () => (await memoryBytes()) / frameBytes;
  await expect.poll(async () => Math.abs((await frames()) - 20)).toBeLessThan(10);
  await rig.remove("bounded");
});

/** The number that a picture of numbered video shows. */
async function shownIn(jpeg: Uint8Array): Promise<number> {
  const stripes = await sharp(jpeg)
    .greyscale()
    .resize(12, 1, { fit: "fill", kernel: "linear" })
    .raw()
    .toBuffer();
  return stripes.reduce((sum, value, bit) => sum + (value > 127 ? 2 ** bit : 0), 0);
}

const size = [1280, 720] as const;
test.each<[string, NumberedOptions]>([
  ["H264 with B-frames", { encode: ["-bf", "3"], keyEvery: 20 }],
  ["H265", { codec: "H265", keyEvery: 20 }],
  ["H264 with key frames 10 s apart", { encode: ["-bf", "0"], keyEvery: 100, seconds: 10 }],
])("%s: the camera's own picture is of the same moment, in its resolution", async (name, options) => {
  const clip = await numberedVideo({ seconds: 5, rate: 10, ...options, size });
  const camera = await ScriptedCamera.start({ tracks: [{ clip }] });
  const id = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  try {
    await rig.register(id, { uri: camera.url() });
    for (const count of [8, 30]) {
      await rig.framesOf(id, count);
      const asked = async () => {
        const { epoch, number } = rig.worker.of(id).at(-1)!.frame;
        const [model, own] = await Promise.all([
          picture(id, { epoch, number }),
          picture(id, { epoch, number, source: "camera" }),
        ]);
        expect(own.answer).toMatchObject({ ok: true, epoch, number });
        // On a busy machine the model's picture may have taken its place.
        const isOwn = own.answer.ok && own.answer.width === 1280;
        return isOwn ? { model, own, number } : undefined;
      };
      const { model, own, number } = (await vi.waitUntil(asked, { timeout: 60_000, interval: 200 }))!;
      expect(own.answer).toMatchObject({ width: 1280, height: 720 });
      expect(model.answer).toMatchObject({ ok: true, width: 316 });
      const shown = await shownIn(own.jpeg);
      expect(shown).toBe(await shownIn(model.jpeg));
      // Pictures are numbered as they come, and shown as their own numbers say.
      expect(Math.abs(shown - ((number - 1) % clip.units.length))).toBeLessThan(5);
    }
    await expect
      .poll(async () => (await picture(id, { source: "camera", maxWidth: 640 })).answer)
      .toMatchObject({ width: 640, height: 360 });
    expect((await picture(id, { source: "camera", maxWidth: 160 })).answer).toMatchObject({ width: 160 });
  } finally {
    await rig.remove(id);
    await camera.stop();
  }
});

test("the camera's own pictures were decoded by the process that is kept for it, none by an ffmpeg", async () => {
  const metrics = await (await fetch(`http://${address}/metrics`)).text();
  const decoded = (decoder: string) =>
    Number(
      new RegExp(`^sightline_pictures_decoded_total{decoder="${decoder}"} (\\S+)`, "m").exec(metrics)?.[1],
    );
  expect(decoded("kept")).toBeGreaterThan(5);
  for (const why of ["interlaced", "unavailable", "failed"]) expect(decoded(`ffmpeg_${why}`)).toBe(0);
});
