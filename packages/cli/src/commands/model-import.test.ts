/** `sightline model import` and `model list` as a user runs them; the catalogue's files come from a server of this test. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { projectRoot } from "@sightline/stack";
import { float32, int64, OnnxGraph, readManifest, saveModel } from "@sightline/yolo-nas";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { catalogueEntry } from "../models/catalogue.ts";
import { runCommand, runCommands, spawnCommand } from "../testing/command-line.ts";

const fixture = (name: string) =>
  gunzipSync(readFileSync(join(projectRoot, `packages/yolo-nas/fixtures/families/${name}.onnx.gz`)));
const body = fixture("rt-detr");
const sha256 = createHash("sha256").update(body).digest("hex");

let folder: string;
let catalogue: string;
let server: Server;
const ranges: (string | undefined)[] = [];
/** Bytes after which the server goes silent. */
let silentAfter: number | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "import-"));
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    const from = Number(/\d+/.exec(request.headers.range ?? "")?.[0] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": body.length - from, etag: '"1"' });
    if (silentAfter === undefined) response.end(body.subarray(from));
    else response.write(body.subarray(0, silentAfter));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const entry = {
    title: "A small one",
    licence: "Some-1.0",
    licenceUrl: "https://example.org/licence",
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/m.onnx`,
    format: "onnx",
    family: "rt-detr",
    classes: ["a", "b", "c"],
  };
  catalogue = join(folder, "catalogue.json");
  const models = { known: { ...entry, sha256 }, unknown: entry };
  await writeFile(catalogue, JSON.stringify({ models }));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const importing = (name: string, ...more: string[]) => {
  return [
    "model",
    "import",
    `hub:${name}`,
    "--catalogue",
    catalogue,
    "--out",
    join(folder, "models"),
    ...more,
  ];
};

test("a model by its name: licence first, then a download that survives a kill, then a model that runs", async () => {
  const shown = await runCommand(importing("known"));
  expect([shown.code, ranges]).toEqual([1, []]);
  expect(shown.stderr).toMatch(/A small one\n.*\n {2}licence Some-1\.0: https:\/\/example\.org\/licence/);
  expect(shown.stderr).toContain("--accept-licence");

  silentAfter = 200_000;
  const killed = spawnCommand(importing("known", "--accept-licence"));
  const part = join(folder, "models", ".downloads", "known.onnx.part");
  await vi.waitFor(async () => expect((await stat(part)).size).toBe(silentAfter), { timeout: 60_000 });
  killed.kill("SIGKILL");
  await once(killed, "close");
  silentAfter = undefined;
  const done = await runCommand(importing("known", "--accept-licence"));
  expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining("This is RT-DETR: 30 queries") });
  expect(ranges).toEqual([undefined, "bytes=200000-"]);
  expect(await readdir(join(folder, "models", "known"))).toEqual(["fp32.onnx", "model.json"]);
  expect(await readdir(join(folder, "models", ".downloads"))).toEqual([]);
  const manifest = await readManifest(join(folder, "models", "known", "model.json"));
  expect(manifest).toMatchObject({
    name: "known",
    architecture: "rt-detr",
    placement: "stretch",
    thresholds: { iou: 1, maxDetections: 30 },
  });

  const clip = join(projectRoot, "test/fixtures/pedestrians.mp4");
  const picture = [
    "detect",
    clip,
    "--json",
    "--min-score",
    "0.3",
    "--model",
    join(folder, "models", "known"),
  ];
  const { stdout, code } = await runCommand(picture);
  expect(code).toBe(0);
  const { width, height, detections } = JSON.parse(stdout.split("\n")[0]!);
  expect(detections.length).toBeGreaterThan(0);
  // Boxes of a stretched picture reach all of it, not only a letterbox's part.
  for (const { box } of detections) {
    expect(box[2]).toBeLessThanOrEqual(width);
    expect(box[3]).toBeLessThanOrEqual(height);
  }
}, 180_000);

test("a file whose digest nobody knows is kept, and imported once the user confirms it", async () => {
  const before = ranges.length;
  const asked = await runCommand(importing("unknown", "--accept-licence"));
  expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining(`--sha256 ${sha256}`)]);
  const done = await runCommand(importing("unknown", "--accept-licence", "--sha256", sha256));
  expect([done.code, ranges.length]).toEqual([0, before + 1]);
}, 120_000);

test("files: what they are, what is not one, and what is here already", async () => {
  const [good, bad] = [join(folder, "street.onnx"), join(folder, "bad.onnx")];
  await writeFile(good, fixture("yolov8"));
  await writeFile(bad, "no model");
  const out = ["--out", join(folder, "models"), "--classes", "a,b,c"];
  const [done, again, other, broken, unnamed, list, json] = await runCommands([
    ["model", "import", good, ...out],
    ["model", "import", good, ...out],
    ["model", "import", good, ...out, "--name", "other", "--family", "rf-detr"],
    ["model", "import", bad, ...out],
    ["model", "import", "hub:none", "--catalogue", catalogue, ...out],
    ["model", "list", "--dir", join(folder, "models")],
    ["model", "list", "--dir", join(folder, "models"), "--json"],
  ]);
  expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining("This is YOLOv8") });
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("is there already") });
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining("This is not RF-DETR") });
  expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining("not an ONNX model") });
  expect(unnamed).toMatchObject({ code: 1, stderr: expect.stringContaining("it has known, unknown") });
  expect(list!.stdout).toMatch(/street +yolov8 +[0-9a-f]{12} +96x64 +3 \(a, b, …\) +fp32 +0\.\d MB/);
  expect(JSON.parse(json!.stdout).models.map(({ name }: { name: string }) => name)).toContain("street");
  expect((await readdir(join(folder, "models"))).sort()).toEqual([
    ".downloads",
    "known",
    "street",
    "unknown",
  ]);
}, 120_000);

test("the catalogue that ships can be read, and each of its digests says where it is from", async () => {
  const file = join(projectRoot, "models/catalogue.json");
  const names = Object.keys(JSON.parse(readFileSync(file, "utf8")).models);
  for (const name of names) {
    const entry = await catalogueEntry(file, name);
    expect(entry.sha256 === undefined || entry.sha256From !== undefined, name).toBe(true);
  }
});

test("a classifier is imported with what it tells, listed, and looks at what a detector finds", async () => {
  const graph = new OnnxGraph();
  graph.inputs = [{ name: "picture", type: "float32", shape: ["B", 3, 16, 8] }];
  const mean = graph.add("GlobalAveragePool", ["picture"]);
  const rows = graph.add("Reshape", [mean, graph.addInitializer("rows", int64([2], [0, 3]))]);
  const scores = graph.add("Mul", [rows, graph.addInitializer("gain", float32([], [20]))]);
  graph.outputs = [{ name: scores, type: "float32", shape: ["B", 3] }];
  const file = join(folder, "tint.onnx");
  await saveModel(graph, file);
  const out = join(folder, "classifiers");
  const bring = (...more: string[]) =>
    runCommand(["model", "import", file, "--family", "classifier", "--out", out, ...more]);
  const without = await bring();
  expect([without.code, without.stderr]).toEqual([1, expect.stringContaining("--attribute NAME=value")]);
  const done = await bring("--attribute", "tint=warm,leafy,cold");
  expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining("tint (warm, leafy, cold)") });
  expect((await runCommand(["model", "list", "--dir", out])).stdout).toMatch(
    /tint +classifier .* 8x16 +tint: 3 \(warm, leafy, …\)/,
  );
  const clip = join(projectRoot, "test/fixtures/pedestrians.mp4");
  const looked = await runCommand(["detect", clip, "--json", "--then", join(out, "tint")]);
  expect(looked.code).toBe(0);
  const found = looked.stdout
    .trim()
    .split("\n")
    .flatMap((line) => JSON.parse(line).detections);
  const told = found.flatMap(({ attributes }) => attributes?.tint?.value ?? []);
  expect(told.length).toBeGreaterThan(0);
  expect(["warm", "leafy", "cold"]).toEqual(expect.arrayContaining([...new Set(told)]));
  const detector = await runCommand(["detect", clip, "--then", "yolo-nas-pedestrians"]);
  expect([detector.code, detector.stderr]).toEqual([
    1,
    expect.stringContaining("is a detector, no classifier"),
  ]);
  const unknown = await runCommand(["detect", clip, "--then", `${join(out, "tint")}:dog`]);
  expect(unknown.stderr).toContain("'dog', but the detector finds no such class");
}, 120_000);
