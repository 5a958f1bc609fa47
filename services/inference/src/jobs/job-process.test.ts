import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { decodeModel, encodeModel, type OnnxGraph, readManifest } from "@sightline/yolo-nas";
import { afterAll, expect, test, vi } from "vitest";
import { JobFaultError, type JobLimits, runJobProcess } from "./job-process.ts";
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
    /side of 100000 pixels; 4096 are the most/,
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
  expect(error).toBeInstanceOf(JobFaultError);
  expect((error as Error).message).toMatch(words);
});

test("a version must take the frames of the one that is served", async () => {
  const first = importOf(yolox);
  await run(first);
  const { frame, ...manifest } = await readManifest(join(first.out, "model.json"));
  const other = { ...manifest, frame: { ...frame, width: 128 } };
  await expect(run({ ...importOf(yolox), beside: other })).rejects.toThrow(
    /frames of another form need a model of another name/,
  );
});

test("what takes too much memory or time, or is not wanted any more, is ended", async () => {
  await expect(run(importOf(yolox), { memoryMib: 48, minutes: 5 })).rejects.toThrow(
    /ran out of the 48 MiB|its process ended/,
  );
  await expect(run(importOf(yolox), { memoryMib: 2_048, minutes: 0.001 })).rejects.toThrow(
    /not done after 0.001 minutes/,
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

/** The process of a job that this one has started; undefined as long as it is not yet what it is to be. */
function childOf(parent: number): number | undefined {
  const lines = execFileSync("ps", ["-o", "pid=,ni=,args=", "--ppid", String(parent)], { encoding: "utf8" });
  const line = lines.split("\n").find((each) => each.includes("job-main.ts") && / 19 /.test(each));
  return line ? Number(line.trim().split(/\s+/)[0]) : undefined;
}
