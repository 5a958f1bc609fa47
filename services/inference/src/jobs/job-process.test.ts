import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { findFfmpeg } from "@sightline/rtsp";
import { decodeModel, encodeModel, type OnnxGraph, readManifest } from "@sightline/yolo-nas";
import { afterAll, expect, test, vi } from "vitest";
import { type JobLimits, runJobProcess } from "./job-process.ts";
import type { JobTask } from "./job-task.ts";

const folder = mkdtempSync(join(tmpdir(), "sightline-jobs-"));
const fixtures = new URL("../../../../packages/yolo-nas/fixtures/families/", import.meta.url);
const yolox = gunzipSync(readFileSync(new URL("yolox.onnx.gz", fixtures)));
const limits: JobLimits = { memoryMib: 2_048, minutes: 5 };
const never = new AbortController().signal;
let count = 0;

afterAll(() => rmSync(folder, { recursive: true }));

/** An import of these bytes. */
function importOf(bytes: Uint8Array, settings = {}): Extract<JobTask, { kind: "import" }> {
  const place = join(folder, String(count++));
  mkdirSync(join(place, "made"), { recursive: true });
  writeFileSync(join(place, "export.onnx"), bytes);
  return {
    ...{ kind: "import", model: "street", settings, beside: undefined },
    ...{ path: join(place, "export.onnx"), out: join(place, "made") },
  };
}

/** The export with something changed in it. */
function changed(change: (graph: OnnxGraph) => void): Uint8Array {
  const graph = decodeModel(yolox);
  change(graph);
  return encodeModel(graph);
}

const run = (task: JobTask, within: JobLimits = limits, signal = never) =>
  runJobProcess(task, within, () => undefined, signal);

test("an export is recognised, prepared, tried out and described", async () => {
  const task = importOf(yolox, { classes: ["person", "car", "dog"] });
  const outcome = await run(task);
  const manifest = await readManifest(join(task.out, "model.json"));
  expect(manifest).toMatchObject({
    name: "street",
    classes: ["person", "car", "dog"],
    architecture: "yolox",
  });
  expect(outcome).toMatchObject({
    ...{ kind: "import", version: manifest.version, manifest },
    words: expect.arrayContaining([expect.stringMatching(/^This is YOLOX/)]),
    inspection: {
      ...{ model: "street", version: manifest.version, width: 96, height: 64 },
      files: [{ encoding: "fp32", file: "fp32.onnx", sha256: manifest.files.fp32!.sha256 }],
    },
  });
});

test.each<[string, Uint8Array, RegExp]>([
  ["text", Buffer.from("this is no model"), /not an ONNX model/],
  ["nothing but zeros", new Uint8Array(4_096), /not an ONNX model/],
  ["a part of an export", yolox.subarray(0, yolox.length / 2), /not an ONNX model/],
  [
    "a ZIP archive, as a checkpoint is",
    Buffer.from("PK\x03\x04and more", "latin1"),
    /ZIP archive.*export the network to ONNX first/,
  ],
  ["a video", Buffer.from("\0\0\0\x20ftypisom", "latin1"), /an MP4 video/],
  [
    "one whose pictures are too large",
    changed((graph) => {
      graph.inputs = graph.inputs.map((input) => ({ ...input, shape: [1, 3, 100_000, 100_000] }));
    }),
    /side of 100000 pixels; cameras are scaled to at most 4096/,
  ],
  [
    "one whose classes would write to a terminal",
    changed((graph) => graph.metadata.set("classes", JSON.stringify(["car", "dog", "\u001b[2J"]))),
    /The class "\\u001b\[2J" has control characters/,
  ],
  [
    "a network that is no detector",
    changed((graph) => {
      graph.outputs = [{ ...graph.outputs[0]!, name: graph.nodes[0]!.outputs[0]! }];
      graph.removeDeadNodes();
    }),
    /no detector that Sightline recognises/,
  ],
])("%s is refused in plain words", async (_, bytes, words) => {
  const error = await run(importOf(bytes)).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "job_failed" });
  expect((error as Error).message).toMatch(words);
});

test("a version must take the frames of the one that is served", async () => {
  const first = importOf(yolox);
  await run(first);
  const { frame, ...manifest } = await readManifest(join(first.out, "model.json"));
  const other = { ...manifest, frame: { ...frame, width: 128 } };
  await expect(run({ ...importOf(yolox), beside: other })).rejects.toThrow(
    /give a model with other frames another name/,
  );
});

test("what takes too much memory or time, or is not wanted any more, is ended", async () => {
  await expect(run(importOf(yolox), { memoryMib: 48, minutes: 5 })).rejects.toThrow(
    /ran out of the 48 MiB|its process ended/,
  );
  await expect(run(importOf(yolox), { memoryMib: 2_048, minutes: 0.001 })).rejects.toThrow(
    /took longer than 0.001 minutes/,
  );
  const stop = new AbortController();
  const stopped = expect(run(importOf(yolox), limits, stop.signal)).rejects.toThrow(/not wanted/);
  setTimeout(() => stop.abort(new Error("not wanted")), 100);
  await stopped;
});

test("the process is the last to get the processor, the first to lose its memory, and knows no settings", async () => {
  process.env.SIGHTLINE_TEST_SECRET = "hidden";
  const running = run(importOf(yolox));
  try {
    const id = await vi.waitUntil(() => childOf(process.pid), { timeout: 10_000, interval: 2 });
    const environment = readFileSync(`/proc/${id}/environ`, "utf8");
    expect(environment).not.toContain("SIGHTLINE");
    expect(environment).toContain("PATH=");
    // The 19th field: its nice value.
    expect(readFileSync(`/proc/${id}/stat`, "latin1").split(") ")[1]!.split(" ")[16]).toBe("19");
    await vi.waitUntil(() => readFileSync(`/proc/${id}/oom_score_adj`, "latin1").trim() === "1000", {
      timeout: 10_000,
      interval: 2,
    });
  } finally {
    delete process.env.SIGHTLINE_TEST_SECRET;
    await running;
  }
});

/** An evaluation of what `importOf(yolox)` makes on ten frames of a clip. */
async function evaluationOf(
  clip: Uint8Array,
  annotations: object[] = [],
  ffmpeg?: string,
): Promise<Extract<JobTask, { kind: "evaluate" }>> {
  const model = importOf(yolox, { classes: ["person", "car", "dog"] });
  await run(model);
  const place = join(folder, String(count++));
  mkdirSync(place);
  const images = Array.from({ length: 10 }, (_, id) => ({ id, width: 96, height: 64 }));
  const labels = { images, categories: [{ id: 1, name: "car" }], annotations };
  writeFileSync(join(place, "labels.json"), JSON.stringify(labels));
  writeFileSync(join(place, "clip"), clip);
  return {
    ...{ kind: "evaluate", minHeight: 32, ffmpeg: ffmpeg ?? (await findFfmpeg(undefined)) },
    ...{ clip: join(place, "clip"), labels: join(place, "labels.json") },
    models: [
      { model: "street", version: "aaaa00000001", encoding: "fp32", path: join(model.out, "fp32.onnx") },
    ],
  };
}

/** Ten frames as a video in a container, by ffmpeg's name. */
async function video(container: string, codec: string): Promise<Buffer> {
  const path = join(folder, `video-${count++}`);
  const source = ["-f", "lavfi", "-i", "testsrc=size=96x64:rate=5:duration=2", "-c:v", codec];
  execFileSync(await findFfmpeg(undefined), ["-v", "error", ...source, "-f", container, path]);
  return readFileSync(path);
}

test("labels by which nothing is scored are told, not only shown as missing scores", async () => {
  const box = { image_id: 0, category_id: 1, bbox: [1, 2, 40, 40] };
  const stray = [
    { ...box, image_id: 999 },
    { ...box, category_id: 77 },
  ];
  const outcome = await run(await evaluationOf(await video("mp4", "mpeg4"), [box, ...stray]));
  expect(outcome).toMatchObject({
    scores: [{ frames: 10 }],
    faults: [
      "Of the 3 boxes in the labels, 1 are left out: their images are not listed there.",
      "Of the 3 boxes in the labels, 1 are left out: their categories are not listed there.",
    ],
  });
});

test("a clip is read as what it begins as, whatever ffmpeg would find further on", async () => {
  const disguised = Buffer.concat([
    Buffer.from("aaaaftypjp2 ", "latin1"),
    await video("mpegts", "mpeg2video"),
  ]);
  await expect(run(await evaluationOf(disguised))).rejects.toMatchObject({ code: "job_failed" });
});

test("ffmpeg ends with the job that started it", async () => {
  const ffmpeg = join(folder, "endless-ffmpeg");
  const told = join(folder, "endless-ffmpeg.pid");
  writeFileSync(ffmpeg, `#!/bin/sh\necho $$ > ${told}.new; mv ${told}.new ${told}; exec sleep 600\n`, {
    mode: 0o755,
  });
  const stop = new AbortController();
  const task = await evaluationOf(await video("mp4", "mpeg4"), [], ffmpeg);
  const stopped = expect(run(task, limits, stop.signal)).rejects.toThrow(/not wanted/);
  await vi.waitUntil(() => existsSync(told), { timeout: 20_000 });
  stop.abort(new Error("not wanted"));
  await stopped;
  await vi.waitUntil(() => hasEnded(Number(readFileSync(told, "utf8"))), { timeout: 10_000 });
});

/** Whether a process is gone, or only waits to be counted as such. */
function hasEnded(id: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${id}/stat`, "latin1"));
  } catch {
    return true;
  }
}

/** The process of a job that this one has started; undefined as long as it is not yet what it is to be. */
function childOf(parent: number): number | undefined {
  const lines = execFileSync("ps", ["-o", "pid=,ni=,args=", "--ppid", String(parent)], { encoding: "utf8" });
  const line = lines.split("\n").find((each) => each.includes("job-main.ts") && / 19 /.test(each));
  return line ? Number(line.trim().split(/\s+/)[0]) : undefined;
}
