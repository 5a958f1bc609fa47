/** Frames in shared memory when ingests are killed, memory lacks, cameras go, or workers do not know it: the ingests are real processes. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CameraStatus, DropReason, type FrameHandle } from "@sightline/contracts";
import { findFfmpeg } from "@sightline/rtsp";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { IngestProcess } from "./testing/ingest-process.ts";
import { balances, IngestRig, testModel } from "./testing/ingest-rig.ts";
import { LittleMemory } from "./testing/little-memory.ts";
import { TestWorker, type WorkerFrame } from "./testing/test-worker.ts";

let memory: LittleMemory;
let rig: IngestRig;
let clips: string;

/** Red and blue, so that a picture says whose it is. */
const colours = ["red", "blue"] as const;
beforeAll(async () => {
  clips = mkdtempSync(join(tmpdir(), "sightline-clips-"));
  const ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  for (const colour of colours)
    execFileSync(ffmpeg, [
      ...["-v", "error", "-f", "lavfi", "-i", `color=${colour}:size=320x240:rate=10`, "-t", "10"],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p"],
      join(clips, `${colour}.mp4`),
    ]);
});
afterAll(() => rmSync(clips, { recursive: true }));

beforeEach(async () => {
  memory = new LittleMemory();
  rig = await IngestRig.start(memory.directory);
});
afterEach(async () => {
  await rig?.stop();
  memory.remove();
});

const until = (condition: () => boolean | Promise<boolean>) =>
  vi.waitUntil(condition, { timeout: 60_000, interval: 20 });

const ingestProcess = (id: string, directory = memory.directory) =>
  rig.ingestProcess(id, { SIGHTLINE_FRAME_MEMORY_DIR: directory });

/** Registers so many cameras of each colour, `red-1` and so on. */
async function register(count: number): Promise<string[]> {
  const names: string[] = [];
  for (const colour of colours) {
    const cameras = await rig.cameras(count, { clip: join(clips, `${colour}.mp4`) });
    for (let i = 1; i <= count; i++) {
      await rig.register(`${colour}-${i}`, { uri: cameras.url(`camera-${i}`) });
      names.push(`${colour}-${i}`);
    }
  }
  return names;
}

const moreFramesOf = async (...names: string[]) => {
  for (const name of names) await rig.framesOf(name, rig.worker.of(name).length + 5);
};

/** Each frame that a worker has read is its own camera's, to the last pixel, and was had once. */
function expectTheirOwn(frames: readonly WorkerFrame[]): void {
  const { width, height } = testModel;
  for (const { camera, frame, pixels } of frames) {
    const { left, top, width: shown, height: lines } = frame.letterbox!;
    const other = camera.startsWith("red") ? 1 : 2;
    for (let line = top + 1; line < top + lines - 1; line++) {
      const start = (other * height + line) * width + left;
      const most = Math.max(...pixels.subarray(start + 1, start + shown - 1));
      expect(most, `${camera}:${frame.number}, line ${line}`).toBeLessThan(50);
    }
  }
  const ids = frames.map(({ camera, frame }) => `${camera}:${frame.epoch}:${frame.number}`);
  expect(new Set(ids).size).toBe(ids.length);
}

/** Arenas of these processes. */
function arenasOf(...ingests: IngestProcess[]): string[] {
  const names = readdirSync(join(memory.directory, `sightline-${process.getuid?.()}`));
  return names.filter((name) => ingests.some(({ pid }) => name.split("-")[2] === String(pid)));
}

const handed = (ingest: IngestProcess, as: string) =>
  ingest.metric(`sightline_frames_handed_over_total{as="${as}"}`);

const settled = (wanted: (status: CameraStatus) => boolean) => (status: CameraStatus) =>
  balances(status.ledger!) && wanted(status);

const lostOf = ({ ledger }: CameraStatus, reason: DropReason) =>
  ledger!.dropped.find((each) => each.reason === reason)?.count ?? 0;

test("ingests killed in the middle of a read: two beside each other keep apart, and nothing is left when one starts again", async () => {
  const [first, second] = [await ingestProcess("first"), await ingestProcess("second")];
  await rig.shared(2);
  const names = await register(2);
  await moreFramesOf(...names);
  expect([arenasOf(first), arenasOf(second)].map(({ length }) => length)).toEqual([1, 1]);
  await until(async () => (await handed(first, "handle")) > 0 && (await handed(second, "handle")) > 0);

  /** The next frame that lies in this arena is read only after `meanwhile`. */
  const beforeRead = (ingest: IngestProcess, meanwhile: () => Promise<unknown>) =>
    new Promise<string>((resolve) => {
      const [arena] = arenasOf(ingest);
      rig.worker.beforeRead = async (frame, handle) => {
        if (handle.arena !== arena) return;
        rig.worker.beforeRead = () => undefined;
        await meanwhile();
        resolve(`${frame.epoch}:${frame.number}`);
      };
    });
  const has = (id: string) => rig.worker.frames.some(({ frame }) => `${frame.epoch}:${frame.number}` === id);

  // The memory outlives its process until another looks for it.
  const kept = await beforeRead(first, () => first.kill("SIGKILL"));
  await until(() => has(kept));

  let third: IngestProcess | undefined;
  const lost = await beforeRead(second, async () => {
    await second.kill("SIGKILL");
    third = await ingestProcess("third");
    expect(arenasOf(first, second)).toEqual([]);
  });
  await until(() => rig.worker.unread.some(({ frame }) => `${frame.epoch}:${frame.number}` === lost));
  expect(has(lost)).toBe(false);

  for (const name of names) {
    const there = settled(({ ingest, ledger }) => ingest === "third" && ledger!.inferred > 5);
    await rig.statusThat(name, there);
  }
  await until(async () => (await handed(third!, "handle")) > 0);
  expect(arenasOf(third!)).toHaveLength(1);
  expectTheirOwn(rig.worker.frames);
});

test("a camera removed while its frame is read: the frame is a counted miss, and not another's picture", async () => {
  const ingest = await ingestProcess("ingest-1");
  await register(1);
  await moreFramesOf("red-1", "blue-1");
  const held = Promise.withResolvers<FrameHandle>();
  const going = Promise.withResolvers<void>();
  const blue = new Set<number>();
  let number = 0;
  rig.worker.beforeRead = async (frame, handle) => {
    if (frame.camera === "cameras/blue-1") blue.add(handle.offset);
    else if (number === 0) {
      number = frame.number;
      held.resolve(handle);
      await going.promise;
    }
  };
  const { offset } = await held.promise;
  await rig.remove("red-1");
  blue.clear();
  // Its place is used again before it is read: blue frames pile up until one lies there.
  rig.worker.outcome = () => (blue.has(offset) ? "infer" : "silent");
  await until(() => blue.has(offset));
  going.resolve();
  await until(() => rig.worker.unread.length > 0);
  expect(rig.worker.unread).toMatchObject([{ frame: { number }, failure: "torn" }]);
  await moreFramesOf("blue-1");
  expectTheirOwn(rig.worker.frames);
  await rig.remove("blue-1");
  await expect.poll(() => ingest.metric("sightline_frame_memory_bytes")).toBe(0);
});

test("memory that is used up: frames travel as bytes, which is said, and by handles when there is room again", async () => {
  // From the start.
  memory.fill();
  const ingest = await ingestProcess("ingest-1");
  memory.fill(ingest);
  await register(1);
  await moreFramesOf("red-1", "blue-1");
  await until(async () => (await handed(ingest, "bytes_no_space")) > 0);
  expect(await handed(ingest, "handle")).toBe(0);
  const said = "is full, so frames are sent as bytes; make it larger";
  expect(ingest.log.split(said)).toHaveLength(2);
  memory.empty(ingest);
  await until(async () => (await handed(ingest, "handle")) > 10);

  // Now some are out, and more have no place beside them.
  memory.fill(ingest);
  let silent = 0;
  rig.worker.outcome = () => (silent++ < 5 ? "silent" : "infer");
  const refused = async () =>
    (await handed(ingest, "bytes_no_space")) + (await handed(ingest, "bytes_unavailable"));
  const before = await refused();
  await until(async () => (await refused()) > before);
  await moreFramesOf("red-1", "blue-1");
  memory.empty(ingest);
  const handles = await handed(ingest, "handle");
  await until(async () => (await handed(ingest, "handle")) > handles + 10);
  await until(() => ingest.log.includes("shared memory has room for frames again"));
  // Not with every frame that has no place.
  expect(ingest.log.split(said)).toHaveLength(2);
  const lost = async () => {
    const statuses = await Promise.all(
      ["red-1", "blue-1"].map((name) =>
        rig.statusThat(
          name,
          settled(({ ledger }) => ledger!.inFlight <= 1),
        ),
      ),
    );
    return statuses.reduce((sum, status) => sum + lostOf(status, DropReason.WORKER_LOST), 0);
  };
  // What is still in flight may be the last of the silent worker's.
  await expect.poll(lost).toBe(5);
  expectTheirOwn(rig.worker.frames);
});

test("no shared memory at all: frames travel as bytes, which is said, and by handles once it is there", async () => {
  await rig.stop();
  const directory = join(memory.directory, "later");
  rig = await IngestRig.start(directory);
  const ingest = await ingestProcess("ingest-1", directory);
  expect(ingest.log).toContain("there is no shared memory for frames, so workers get them as bytes");
  await register(1);
  await moreFramesOf("red-1", "blue-1");
  expect(await handed(ingest, "bytes_unavailable")).toBeGreaterThanOrEqual(10);
  mkdirSync(directory);
  await until(async () => (await handed(ingest, "handle")) > 5);
  expect(ingest.log).toContain("workers on this host get frames through shared memory");
  expectTheirOwn(rig.worker.frames);
});

test("a worker of a version before shared memory gets bytes, beside one that gets handles", async () => {
  const ingest = await ingestProcess("ingest-1");
  const older = await TestWorker.start(rig.nats, testModel.name, { knowsHandles: false });
  try {
    const names = await register(2);
    await until(() => older.frames.length > 20 && rig.worker.frames.length > 20);
    expect(await handed(ingest, "handle")).toBeGreaterThan(0);
    expect(await handed(ingest, "bytes_worker")).toBeGreaterThanOrEqual(20);
    expectTheirOwn([...older.frames, ...rig.worker.frames]);
    for (const name of names) {
      const status = await rig.statusThat(
        name,
        settled(({ ledger }) => ledger!.inferred > 10),
      );
      expect(lostOf(status, DropReason.WORKER_LOST) + lostOf(status, DropReason.WORKER_ERROR)).toBe(0);
    }
  } finally {
    await older.stop();
  }
});
