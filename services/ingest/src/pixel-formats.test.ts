/** Frames as I420 for workers that read it, and as gbrp for those beside them that do not. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PixelFormat, pixelFormatName, type ServedModel, type WorkerInfo } from "@sightline/contracts";
import { asGbrp, pixelBytes } from "@sightline/media";
import { findFfmpeg } from "@sightline/rtsp";
import { Announcement, createLogger } from "@sightline/service";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { IngestRig, testModel } from "./testing/ingest-rig.ts";
import { TestWorker, type WorkerFrame } from "./testing/test-worker.ts";

const halves: ServedModel = { ...testModel, name: "halves" };
const reader: WorkerInfo = {
  ...{ id: "reader", host: "test", model: halves.name, modelDigest: "0", precision: "fp32" },
  ...{ executionProvider: "cuda", batchSize: 1, batchCurve: [], startTime: new Date().toISOString() },
  ...{ utilization: 0, framesPerSecond: 0, meanBatchSize: 0, pixelFormat: "i420" },
};
let rig: IngestRig;
let worker: TestWorker;
let folder: string;
let announced = reader;
let announcements: Announcement[];

beforeAll(async () => {
  rig = await IngestRig.start();
  folder = mkdtempSync(join(tmpdir(), "sightline-formats-"));
  worker = await TestWorker.start(rig.nats, halves.name);
  worker.reads = "i420";
  const log = createLogger("test", "error");
  announcements = [
    new Announcement(rig.buckets.models, halves.name, () => halves, log),
    new Announcement(rig.buckets.workers, reader.id, () => announced, log),
  ];
  for (const each of announcements) await each.start();
  await rig.ingest();
});

afterAll(async () => {
  await Promise.all(announcements.map((each) => each.stop(false)));
  await worker?.stop();
  await rig?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The camera's picture without the padding, planes G, B, R. */
function pictureOf({ frame, pixels }: WorkerFrame): number[] {
  const { width, height, letterbox } = frame;
  const planes = asGbrp(pixels, pixelFormatName(frame.pixelFormat), { width, height });
  const { left, top } = letterbox!;
  return Array.from({ length: 3 * letterbox!.height }, (_, row) => {
    const [plane, line] = [Math.floor(row / letterbox!.height), row % letterbox!.height];
    const start = (plane * height + top + line) * width + left;
    return [...planes.subarray(start, start + letterbox!.width)];
  }).flat();
}

function difference(a: number[], b: number[]): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

/** Waits for so many frames that came in this format, and returns the last. */
async function framesAs(format: PixelFormat, count: number): Promise<WorkerFrame> {
  const found = () => worker.of("halves").filter(({ frame }) => frame.pixelFormat === format);
  await vi.waitUntil(() => found().length >= count, { timeout: 60_000, interval: 20 });
  return found().at(-1)!;
}

test("a model's workers get I420 where they read it, and the same picture as gbrp where they do not say so", async () => {
  const clip = join(folder, "bars.mp4");
  const source = ["-f", "lavfi", "-i", "smptebars=size=768x576:rate=10", "-t", "10"];
  // As cameras of high resolution are: another matrix than that of frames.
  const colours = ["-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709"];
  const codec = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p"];
  execFileSync(await findFfmpeg(process.env.FFMPEG_PATH), [
    ...["-v", "error", ...source, ...colours, ...codec, clip],
  ]);
  const cameras = await rig.cameras(2, { clip });
  await rig.register("planes", { uri: cameras.url("camera-1") });
  await rig.register("halves", { uri: cameras.url("camera-2"), model: halves.name });
  // The first as bytes, the others by handles.
  const half = await framesAs(PixelFormat.I420, 5);
  expect(half.pixels.byteLength).toBe(pixelBytes(halves, "i420"));
  expect(half.frame.letterbox).toEqual({ left: 2, top: 8, width: 316, height: 237 });
  expect(half.pixels[0]).toBe(testModel.padValue);

  await rig.framesOf("planes", 5);
  const expected = pictureOf(rig.worker.of("planes").at(-1)!);
  expect(difference(pictureOf(half), expected)).toBeLessThan(3);

  worker.reads = undefined;
  const older = await framesAs(PixelFormat.GBRP, 5);
  expect(older.pixels.byteLength).toBe(pixelBytes(halves, "gbrp"));
  expect(difference(pictureOf(older), expected)).toBeLessThan(3);

  // The worker comes back as one that reads gbrp: the camera goes on, as it is.
  const { reconnects } = (await rig.status("halves"))!;
  const { pixelFormat: _, ...gbrp } = reader;
  announced = gbrp;
  await announcements[1]!.refresh();
  worker.reads = "i420";
  const before = worker.of("halves").filter(({ frame }) => frame.pixelFormat === PixelFormat.I420).length;
  const later = await framesAs(PixelFormat.I420, before + 5);
  expect(later.frame.epoch).toBe(half.frame.epoch);
  expect((await rig.status("halves"))!.reconnects).toBe(reconnects);
  const balanced = await rig.statusThat("halves", ({ ledger }) => (ledger?.inferred ?? 0) >= 15);
  expect(balanced.ledger?.dropped.every(({ count }) => count >= 0)).toBe(true);
});
