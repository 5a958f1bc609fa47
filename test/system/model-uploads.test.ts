import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { connect, type SightlineClient } from "@sightline/client";
import { ModelJob_State, type ModelJobMessage } from "@sightline/contracts/api";
import { projectRoot } from "@sightline/stack";
import { loadModel, saveModel } from "@sightline/yolo-nas";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { System } from "./system.ts";

const families = join(projectRoot, "packages/yolo-nas/fixtures/families");
const bundled = "yolo-nas-pedestrians";
const files = mkdtempSync(join(tmpdir(), "sightline-uploads-"));
const models = mkdtempSync(join(tmpdir(), "sightline-models-"));
/** Where the services put temporary files: other systems on this machine have jobs of their own. */
const temporary = mkdtempSync(join(tmpdir(), "sightline-temporary-"));

let system: System;
let client: SightlineClient;

beforeAll(async () => {
  cpSync(join(projectRoot, "models", bundled), join(models, bundled), { recursive: true });
  system = await System.start({ SIGHTLINE_MODEL_DIR: models, SIGHTLINE_MODELS: "all", TMPDIR: temporary });
  client = connect(`127.0.0.1:${system.ports.grpc}`);
});

afterAll(async () => {
  client?.close();
  await system?.stop();
  for (const folder of [files, models, temporary]) rmSync(folder, { recursive: true });
});

/** A small export of a family, on disk. */
function small(family: string): string {
  const path = join(files, `${family}.onnx`);
  writeFileSync(path, gunzipSync(readFileSync(join(families, `${family}.onnx.gz`))));
  return path;
}

const ended = async ({ name }: ModelJobMessage): Promise<ModelJobMessage> => {
  const states: ModelJobMessage["state"][] = [
    ModelJob_State.DONE,
    ModelJob_State.FAILED,
    ModelJob_State.CANCELLED,
  ];
  const id = name.slice("modelJobs/".length);
  return vi.waitUntil(
    async () => {
      const job = await client.modelJobs.get(id);
      return states.includes(job.state) ? job : undefined;
    },
    { timeout: 120_000, interval: 100 },
  );
};

test("an export that is uploaded becomes a model that cameras can ask for, and another a version of it", async () => {
  const first = await ended(await client.modelJobs.importModel(small("yolox"), "street"));
  expect(first).toMatchObject({ state: ModelJob_State.DONE, message: "" });
  expect(first.imported!.words[0]).toMatch(/^This is YOLOX/);
  const version = first.imported!.version.split("/").at(-1)!;
  await vi.waitUntil(() => existsSync(join(models, "street", "model.json")), { timeout: 30_000 });
  await vi.waitUntil(
    async () =>
      (await client.models.list()).find(({ name }) => name === "models/street")?.activeVersion === version,
    { timeout: 30_000 },
  );
  expect(await client.modelJobs.inspect("street", version)).toMatchObject({
    name: `models/street/versions/${version}`,
    width: 96,
    height: 64,
    files: [{ encoding: "fp32", words: expect.arrayContaining([expect.stringContaining("prepared form")]) }],
  });

  const cameras = await system.cameras(1);
  await system.register("front", { uri: cameras.url("camera-1"), model: "street" });
  const [frame] = await system.frames("front", 1);
  expect(frame.inference).toMatchObject({ model: "street", modelVersion: version });

  const second = await ended(
    await client.modelJobs.importModel(small("yolox-undecoded"), "street", { isNew: false }),
  );
  expect(second).toMatchObject({ state: ModelJob_State.DONE, message: "" });
  const newer = second.imported!.version.split("/").at(-1)!;
  await vi.waitUntil(
    async () =>
      (await client.models.versions("street")).find((each) => each.version === newer)?.workersWith === 1,
    { timeout: 30_000 },
  );
  await client.models.activate("street", newer);
  await expect(client.modelJobs.deleteVersion("street", newer)).rejects.toMatchObject({
    reason: "model_version_in_use",
  });
  await client.models.rollback("street");
  await client.modelJobs.deleteVersion("street", newer);
  // Also while its files are still on a worker's disk.
  await expect(client.models.activate("street", newer)).rejects.toMatchObject({
    reason: "model_version_not_found",
    message: expect.stringContaining("was deleted"),
  });
  await vi.waitUntil(() => !existsSync(join(models, "street", "versions", newer)), { timeout: 30_000 });
  await system.remove("front");
});

test("the command line uploads too, and says what came of it or why nothing did", async () => {
  const { NODE_COMPILE_CACHE, ...env } = process.env;
  const upload = (...more: string[]) =>
    promisify(execFile)(
      process.execPath,
      [
        join(projectRoot, "packages/cli/src/main.ts"),
        "model",
        "upload",
        ...more,
        "--server",
        `127.0.0.1:${system.ports.grpc}`,
      ],
      { env: { ...env, NODE_COMPILE_CACHE } },
    );
  const { stdout } = await upload(small("yolov5"), "--name", "alley", "--classes", "person,car,dog");
  expect(stdout).toMatch(/^This is YOLOv5.*\nalley [0-9a-f]{12} is on its way to all workers\nNext: /s);
  await expect(upload(small("yolov5"), "--name", "alley")).rejects.toMatchObject({
    stderr: expect.stringMatching(/there is a model 'alley' already/),
  });
  const { stdout: newer } = await upload(small("yolov5"), "--name", "alley", "--as-version");
  expect(newer).toMatch(/model activate alley@[0-9a-f]{12}/);
});

test("models are scored side by side on a labelled clip, as `model eval` scores them", async () => {
  const { images, annotations, ...rest } = JSON.parse(
    readFileSync(join(models, bundled, "labels/eval.coco.json"), "utf8"),
  );
  const few = images.slice(0, 8).map(({ id }: { id: number }) => id);
  const labels = join(files, "labels.json");
  const isMeant = (id: number) => few.includes(id);
  writeFileSync(
    labels,
    JSON.stringify({
      ...rest,
      images: images.filter(({ id }: { id: number }) => isMeant(id)),
      annotations: annotations.filter((each: { image_id: number }) => isMeant(each.image_id)),
    }),
  );
  const clip = join(projectRoot, "test/fixtures/pedestrians.mp4");
  const job = await ended(
    await client.modelJobs.evaluate(
      [
        { model: bundled, precision: "int8" },
        { model: bundled, precision: "fp32" },
      ],
      { clip, labels },
    ),
  );
  expect(job).toMatchObject({ state: ModelJob_State.DONE, message: "", faults: [] });
  expect(job.scores.map(({ encoding, frames }) => [encoding, frames])).toEqual([
    ["int8Cpu", 8],
    ["fp32", 8],
  ]);
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...[join(projectRoot, "packages/cli/src/main.ts"), "model", "eval"],
    ...[join(models, bundled, "int8.cpu.onnx"), "--compare", join(models, bundled, "fp32.onnx")],
    ...["--coco", labels, "--images", clip, "--json"],
  ]);
  const { metrics, compare } = JSON.parse(stdout);
  expect(job.scores.map((each) => each.metrics)).toEqual([metrics, compare.metrics]);
  expect(job.scores[0]!.metrics.ap).toBeGreaterThan(0.3);
});

test("what cannot be used says why, and leaves nothing", async () => {
  const bad = join(files, "bad.onnx");
  writeFileSync(bad, "no model at all");
  const wordy = join(files, "wordy.onnx");
  const graph = await loadModel(small("yolox"));
  graph.metadata.set("classes", JSON.stringify(["x".repeat(400_000), "b", "c"]));
  await saveModel(graph, wordy);
  const text = join(files, "text.mp4");
  writeFileSync(text, "#EXTM3U\nfile:///etc/passwd\n");
  const labels = join(files, "bad.json");
  writeFileSync(labels, '{"images": []}');
  const clip = join(projectRoot, "test/fixtures/pedestrians.mp4");
  const jobs = [
    await client.modelJobs.importModel(bad, "broken"),
    await client.modelJobs.importModel(wordy, "wordy"),
    await client.modelJobs.importModel(small("yolov8"), bundled, { isNew: false }),
    await client.modelJobs.evaluate([{ model: bundled }], { clip: text, labels }),
    await client.modelJobs.evaluate([{ model: bundled }], { clip, labels }),
  ];
  const outcomes = [];
  for (const job of jobs) outcomes.push(await ended(job));
  expect(outcomes.map(({ state }) => state)).toEqual(jobs.map(() => ModelJob_State.FAILED));
  expect(outcomes.map(({ message }) => message)).toEqual([
    expect.stringMatching(/not an ONNX model/),
    expect.stringMatching(/KiB can be stored; give it fewer classes, or shorter names/),
    expect.stringMatching(/give a model with other frames another name/),
    expect.stringMatching(/not an MP4, MOV, Matroska or WebM file/),
    expect.stringMatching(/^labels\.json is no COCO detection file/),
  ]);
  expect((await client.models.list()).map(({ name }) => name)).not.toContain("models/broken");
  expect(readdirSync(models).sort()).toEqual(["alley", "street", bundled]);
  expect(readdirSync(temporary).filter((name) => name.startsWith("sightline-job-"))).toEqual([]);
});

test("a worker that is killed in the middle of a job leaves it to the next, and one that begins anew fetches what it lacks", async () => {
  const stored = (await client.models.list()).find(({ name }) => name === "models/street")!.activeVersion;
  const job = await client.modelJobs.importModel(small("yolov9"), "garden");
  const id = job.name.slice("modelJobs/".length);
  await vi.waitUntil(async () => (await client.modelJobs.get(id)).state === ModelJob_State.RUNNING, {
    timeout: 30_000,
    interval: 5,
  });
  rmSync(join(models, "street"), { recursive: true });
  const worker = system.stack.process("inference");
  worker.child.kill("SIGKILL");
  await worker.exited;
  await system.stack.startService("inference");
  const done = await ended(job);
  expect(done).toMatchObject({ state: ModelJob_State.DONE, message: "" });
  await vi.waitUntil(() => existsSync(join(models, "garden", "model.json")), { timeout: 30_000 });
  expect(JSON.parse(readFileSync(join(models, "street", "model.json"), "utf8")).version).toBe(stored);
});

test("results that is killed in the middle of an upload does not cost what was sent", async () => {
  const path = join(files, "long.onnx");
  writeFileSync(path, Buffer.alloc(4 * 1024 ** 2, "no model at all "));
  let restarted: Promise<unknown> | undefined;
  const restart = async () => {
    const results = system.stack.process("results");
    results.child.kill("SIGKILL");
    await results.exited;
    await system.stack.startService("results");
  };
  const job = await client.modelJobs.importModel(path, "long", {
    onProgress: () => (restarted ??= restart()),
  });
  await restarted;
  expect((await ended(job)).message).toMatch(/not an ONNX model/);
});
