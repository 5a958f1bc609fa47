import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createLogger } from "@sightline/service";
import { afterEach, expect, test } from "vitest";
import { engineCandidates } from "./engine-choice.ts";
import type { WorkerError } from "./errors.ts";
import { findModel } from "./model-directory.ts";
import type { SessionSettings } from "./session-messages.ts";
import { SessionThread } from "./session-thread.ts";
import { smallModelClasses, writeSmallModel } from "./testing/small-model.ts";

const log = createLogger("test", "silent");
const threads: SessionThread[] = [];
const directories: string[] = [];

afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.stop();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function keep(thread: SessionThread): SessionThread {
  threads.push(thread);
  return thread;
}

async function settingsFor(options: Parameters<typeof writeSmallModel>[2] = {}): Promise<SessionSettings> {
  const directory = mkdtempSync(join(tmpdir(), "sightline-model-"));
  directories.push(directory);
  await writeSmallModel(directory, "small", options);
  return {
    ...engineCandidates(await findModel(directory, "small"), "cpu", "fp32"),
    frameFormat: "auto",
    threads: 1,
    capacity: 2,
    frame: { width: 64, height: 64 },
    classCount: smallModelClasses.length,
    slots: [new SharedArrayBuffer(2 * 3 * 64 * 64), new SharedArrayBuffer(2 * 3 * 64 * 64)],
    warmUpSizes: [1, 2],
  };
}

test("runs what lies in shared memory, in the order given", async () => {
  const settings = await settingsFor();
  const thread = keep(new SessionThread({ settings, log, onAvailable: () => undefined }));
  const info = await thread.start();
  expect(info.engine).toMatchObject({ provider: "cpu", precision: "fp32" });
  expect(info.curve.map(({ batch }) => batch)).toEqual([1, 2]);
  new Uint8Array(settings.slots[0]!).fill(200, 0, 3 * 64 * 64);
  new Uint8Array(settings.slots[1]!).fill(200, 0, 3 * 64 * 64);
  const [two, one] = await Promise.all([thread.run(0, 2), thread.run(1, 1)]);
  expect(two!.outputs.batch).toBe(2);
  expect(one!.startedAt).toBeGreaterThanOrEqual(two!.startedAt + two!.runMs);
  const half = two!.outputs.scores.length / 2;
  expect(one!.outputs.scores).toHaveLength(half);
  for (let i = 0; i < half; i++) expect(two!.outputs.scores[i]).toBeCloseTo(one!.outputs.scores[i]!, 5);
  expect(two!.outputs.scores.subarray(0, half)).not.toEqual(two!.outputs.scores.subarray(half));
});

test("output that is not finite fails its batch and no other", async () => {
  const settings = await settingsFor({ overflows: true });
  const thread = keep(new SessionThread({ settings, log, onAvailable: () => undefined }));
  await thread.start();
  new Uint8Array(settings.slots[0]!).fill(255);
  await expect(thread.run(0, 1)).rejects.toMatchObject({ code: "batch_failed" });
  await expect(thread.run(1, 1)).resolves.toMatchObject({ outputs: { batch: 1 } });
});

test("a model whose file does not fit its manifest cannot be opened", async () => {
  const settings = await settingsFor({ side: 96 });
  const thread = keep(new SessionThread({ settings, log, onAvailable: () => undefined }));
  await expect(thread.start()).rejects.toThrow(/takes 96x96 .* manifest says 64x64/);
});

test("a file that was built for I420 runs where frames come as gbrp only for who can convert them", async () => {
  const settings = { ...(await settingsFor({ readsI420: true })), frameFormat: "gbrp" as const };
  const refused = keep(new SessionThread({ settings, log, onAvailable: () => undefined }));
  await expect(refused.start()).rejects.toThrow(/build it again with --frames gbrp/);
  const thread = keep(
    new SessionThread({ settings: { ...settings, otherFormat: true }, log, onAvailable: () => undefined }),
  );
  expect(await thread.start()).toMatchObject({ pixelFormat: "i420" });
});

test("a provider that is not there is an error that says so", async () => {
  const settings = await settingsFor();
  const candidates = settings.candidates.map((candidate) => ({ ...candidate, provider: "cuda" as const }));
  const thread = keep(
    new SessionThread({ settings: { ...settings, candidates }, log, onAvailable: () => undefined }),
  );
  const attempt = thread.start();
  await expect(attempt).rejects.toMatchObject({ code: "no_engine" });
  await expect(attempt).rejects.toThrow(/cuda/);
});

test("a file that is no engine for this machine is refused before TensorRT sees it", async () => {
  const settings = await settingsFor();
  const candidates = settings.candidates.map((candidate) => ({
    ...candidate,
    provider: "tensorrt" as const,
  }));
  const thread = keep(
    new SessionThread({ settings: { ...settings, candidates }, log, onAvailable: () => undefined }),
  );
  await expect(thread.start()).rejects.toThrow(/ordinary model, not a TensorRT engine/);
});

test("a thread that breaks fails the batches under way, and is started again", async () => {
  const available: boolean[] = [];
  const thread = keep(
    new SessionThread({
      settings: {} as SessionSettings,
      log,
      onAvailable: (state) => available.push(state),
      entry: new URL("./testing/crashing-session.ts", import.meta.url),
      restartRange: { firstMs: 1, mostMs: 30_000 },
    }),
  );
  await thread.start();
  await expect(thread.run(0, 1)).resolves.toMatchObject({ runMs: 1 });
  const lost = await Promise.allSettled([thread.run(1, 1), thread.run(0, 1)]);
  expect(lost.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await expect(thread.run(0, 1)).rejects.toMatchObject({ code: "batch_failed" });
  await expect.poll(() => thread.available).toBe(true);
  await expect(thread.run(2, 1)).rejects.toThrow("the batch fails");
  await expect(thread.run(0, 1)).resolves.toMatchObject({ runMs: 1 });
  expect(available).toEqual([true, false, true]);
  expect(thread.restarts).toBe(1);
});

test("stopped while the model is loaded or measured, the thread ends between two steps and the process lives", async () => {
  const located = await findModel(join(import.meta.dirname, "../../../models"), "yolo-nas-pedestrians");
  const { frame, classes } = located.manifest;
  const memory = new SharedArrayBuffer(3 * frame.width * frame.height);
  const settings: SessionSettings = {
    ...engineCandidates(located, "cpu", "int8"),
    ...{
      frameFormat: "auto",
      threads: 1,
      capacity: 1,
      frame,
      classCount: classes.length,
      slots: [memory],
      warmUpSizes: [1],
    },
  };
  // By the time of a run, so that different moments of the start are met.
  for (const ms of [1, 60, 150, 300, 500]) {
    const thread = keep(new SessionThread({ settings, log, onAvailable: () => undefined }));
    const outcome = thread.start().catch((error: Error) => error);
    await delay(ms);
    await thread.stop();
    expect(await outcome).toSatisfy(
      (end) => (end as WorkerError).code === "batch_failed" || "engine" in (end as object),
    );
  }
});
