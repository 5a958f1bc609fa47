import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeJson,
  encodeJson,
  type ModelJob,
  modelJobSchema,
  pieceBytes,
  type StoredVersion,
  storedVersionSchema,
  type WorkerInfo,
} from "@sightline/contracts";
import { ModelJob_State } from "@sightline/contracts/api";
import { createLogger, KvMirror } from "@sightline/service";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { RunningResults } from "../../testing/running-results.ts";
import { JobStore } from "./job-store.ts";

/** For a machine that is busy with other tests. */
const patience = { timeout: 30_000 };

const folder = mkdtempSync(join(tmpdir(), "sightline-jobs-"));
const version = "aaaa00000001";
let results: RunningResults;
let renewal: NodeJS.Timeout | undefined;

/** A worker as results sees it, as long as it is renewed. */
const worker: WorkerInfo = {
  ...{
    id: "w1",
    host: "box",
    model: "people",
    modelDigest: "0",
    precision: "int8",
    executionProvider: "cpu",
  },
  ...{
    batchSize: 1,
    batchCurve: [],
    startTime: new Date().toISOString(),
    modelVersion: version,
    versions: [version],
  },
  ...{ utilization: 0, framesPerSecond: 0, meanBatchSize: 0 },
};

// biome-ignore lint/suspicious/noExplicitAny: as the API says it
type Json = any;

const api = (path: string) => `http://${results.addresses.http}/api/v1${path}`;

async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; value: Json }> {
  const isBytes = body instanceof Uint8Array;
  const answer = await fetch(api(path), {
    method,
    ...(body === undefined
      ? {}
      : {
          headers: { "content-type": isBytes ? "application/octet-stream" : "application/json" },
          body: isBytes ? Buffer.from(body as Uint8Array) : JSON.stringify(body),
        }),
  });
  const text = await answer.text();
  return { status: answer.status, value: text === "" ? undefined : JSON.parse(text) };
}

/** The job in NATS, as a worker has it. */
async function stored(id: string): Promise<ModelJob> {
  return decodeJson(modelJobSchema, (await results.buckets.modelJobs.get(id))!.value);
}

/** What a worker writes of a job that it has. */
async function tell(id: string, change: Partial<ModelJob>): Promise<void> {
  const entry = (await results.buckets.modelJobs.get(id))!;
  const job = { ...decodeJson(modelJobSchema, entry.value), ...change };
  await results.buckets.modelJobs.update(id, encodeJson(job), entry.revision);
}

const newImport = (model: string, bytes = 5, isNew = true) => ({
  ...{ model, isNew, file: { fileName: "export.onnx", bytes } },
});

beforeAll(async () => {
  results = await RunningResults.start({ SIGHTLINE_MODEL_UPLOAD_MB: "4", SIGHTLINE_MODEL_STORE_MB: "9" });
});
afterAll(async () => {
  clearInterval(renewal);
  await results?.stop();
  rmSync(folder, { recursive: true });
});

test("nothing is taken while no worker could do it", async () => {
  expect(await ask("POST", "/model-jobs/import", newImport("street"))).toMatchObject({
    status: 409,
    value: { code: "no_worker" },
  });
  const renew = () => void results.buckets.workers.put(worker.id, encodeJson(worker));
  renew();
  renewal = setInterval(renew, 500);
  await vi.waitUntil(async () => (await ask("GET", "/models/people/versions/1")).status === 200, {
    timeout: 20_000,
  });
});

test("a file comes in pieces, in any order, and the job is given to workers when it is whole", async () => {
  const bytes = new Uint8Array(pieceBytes + 3).fill(7);
  const { status, value } = await ask("POST", "/model-jobs/import", newImport("street", bytes.byteLength));
  expect([status, value]).toMatchObject([
    201,
    {
      kind: "import",
      state: "uploading",
      model: "street",
      isNew: true,
      files: [{ name: "export", fileName: "export.onnx" }],
    },
  ]);
  const job = `/model-jobs/${value.id}`;
  for (const [path, body, expected, words] of [
    [`${job}/files/export/1`, bytes, 413, /too large/],
    [`${job}/files/export/1`, bytes.subarray(0, 4), 400, /has 4 bytes; 3 are expected/],
    [`${job}/files/export/2`, bytes.subarray(0, 3), 400, /there is no piece 2/],
    [`${job}/files/export/one`, bytes.subarray(0, 3), 400, /whole number/],
    [`${job}/files/clip/0`, bytes.subarray(0, 3), 400, /waits for export/],
    [`${job}/files/export/0`, { not: "bytes" }, 415, /octet-stream/],
    ["/model-jobs/ffffffffffff/files/export/0", bytes.subarray(0, 3), 404, /no job/],
  ] as const) {
    const answer = await ask("PUT", path, body);
    expect([answer.status, answer.value.message], path).toEqual([expected, expect.stringMatching(words)]);
  }
  expect((await ask("PUT", `${job}/files/export/1`, bytes.subarray(pieceBytes))).status).toBe(204);
  expect(await ask("POST", `${job}/start`)).toMatchObject({
    status: 409,
    value: { code: "upload_incomplete" },
  });
  for (let again = 0; again < 2; again++)
    expect((await ask("PUT", `${job}/files/export/0`, bytes.subarray(0, pieceBytes))).status).toBe(204);
  expect(await ask("POST", `${job}/start`)).toMatchObject({ status: 200, value: { state: "waiting" } });
  expect(await ask("PUT", `${job}/files/export/1`, bytes.subarray(pieceBytes))).toMatchObject({
    value: { code: "model_job_ended" },
  });

  // The worker prepares it: the version is entered for all, and what was uploaded goes.
  await tell(value.id, { state: "running", worker: "w1", attempts: 1, progress: { done: 1, total: 2 } });
  await vi.waitUntil(async () => (await ask("GET", job)).value.done === 1, patience);
  const inspection = {
    model: "street",
    version,
    architecture: "yolox",
    width: 96,
    height: 64,
    classes: ["car"],
    files: [],
  };
  const sha256 = "0".repeat(64);
  await results.buckets.modelFiles.put(`${value.id}.fp32.onnx.0`, bytes.subarray(0, 9));
  const files = [{ name: "fp32.onnx", bytes: 9, sha256 }];
  await tell(value.id, {
    ...{ state: "prepared", endedTime: new Date().toISOString() },
    outcome: {
      kind: "import",
      version,
      words: ["This is it."],
      manifest: { name: "street" },
      files,
      inspection,
    },
  });
  await vi.waitUntil(async () => (await ask("GET", job)).value.state === "done", { timeout: 20_000 });
  expect((await ask("GET", job)).value.imported).toEqual({ version, words: ["This is it."] });
  const kept: StoredVersion = decodeJson(
    storedVersionSchema,
    (await results.buckets.modelStore.get(`street.${version}`))!.value,
  );
  expect(kept).toMatchObject({ model: "street", version, isOwn: true, holder: value.id, files });
  const left = async () => {
    const keys = [];
    for await (const key of await results.buckets.modelFiles.keys()) keys.push(key);
    return keys;
  };
  await vi.waitUntil(async () => (await left()).length === 1, { timeout: 20_000 });
  expect(await left()).toEqual([`${value.id}.fp32.onnx.0`]);
  expect(await ask("GET", `/models/street/versions/${version}`)).toMatchObject({
    value: { inspection: { ...inspection, files: [] }, message: "" },
  });

  expect(await ask("POST", "/model-jobs/import", newImport("street"))).toMatchObject({
    status: 409,
    value: {
      code: "model_exists",
      message: expect.stringMatching(/as a version of it, or give another name/),
    },
  });
  expect((await ask("DELETE", job)).status).toBe(204);
  expect((await ask("GET", job)).status).toBe(404);
  expect(await left()).toHaveLength(1);
  // What goes is the version's own, and its record tells workers to remove it.
  expect((await ask("DELETE", `/models/street/versions/${version}`)).status).toBe(204);
  expect(await left()).toEqual([]);
  expect(await ask("DELETE", `/models/people/versions/${version}`)).toMatchObject({
    value: { code: "model_version_in_use", message: expect.stringMatching(/was not uploaded/) },
  });
});

test("what is too large, too much, unknown or not valid is refused before a byte of it comes", async () => {
  const clip = { fileName: "c.mp4", bytes: 10 };
  const labels = { fileName: "l.json", bytes: 10 };
  const evaluation = { models: [{ model: "people" }], clip, labels };
  for (const [path, body, status, code] of [
    ["import", newImport("street", 4 * 1024 ** 2 + 1), 413, "body_too_large"],
    ["import", newImport("nobody", 5, false), 404, "model_not_found"],
    ["import", newImport("no name"), 400, "invalid_argument"],
    ["import", newImport("street", 0), 400, "invalid_argument"],
    ["import", { ...newImport("street"), settings: { family: 5 } }, 400, "invalid_argument"],
    [
      "import",
      { ...newImport("street"), settings: { input: { width: 1, height: 99_999 } } },
      400,
      "invalid_argument",
    ],
    ["import", { ...newImport("street"), path: "/etc/passwd" }, 400, "invalid_argument"],
    ["evaluation", { ...evaluation, models: [] }, 400, "invalid_argument"],
    ["evaluation", { ...evaluation, models: [{ model: "nobody" }] }, 400, "model_not_served"],
    [
      "evaluation",
      { ...evaluation, models: [{ model: "people", version: "9" }] },
      404,
      "model_version_not_found",
    ],
    ["evaluation", { models: evaluation.models, clip }, 400, "invalid_argument"],
  ] as const) {
    const answer = await ask("POST", `/model-jobs/${path}`, body);
    expect([answer.status, answer.value.code], JSON.stringify(body)).toEqual([status, code]);
  }
  // Each may become as large as it is twice: one fits beside another, and a third does not.
  const [first] = [await ask("POST", "/model-jobs/import", newImport("a", 3 * 1024 ** 2))];
  expect(first.status).toBe(201);
  expect(await ask("POST", "/model-jobs/import", newImport("b", 4 * 1024 ** 2))).toMatchObject({
    status: 429,
    value: { code: "model_store_full", message: expect.stringMatching(/delete uploaded versions first/) },
  });
  expect(await ask("POST", `/model-jobs/${first.value.id}/cancel`)).toMatchObject({
    value: { state: "cancelled" },
  });
  expect(await ask("POST", `/model-jobs/${first.value.id}/start`)).toMatchObject({
    value: { state: "cancelled" },
  });
});

test("what is asked for at the same moment is looked at one after the other", async () => {
  const same = await Promise.all(
    [1, 2, 3].map(() => ask("POST", "/model-jobs/import", newImport("twin", 1024 ** 2))),
  );
  expect(same.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  // Beside what the first may take there is room for two more, of 2 MiB each, and not for a third.
  const others = await Promise.all(
    ["b", "c", "d", "e"].map((name) => ask("POST", "/model-jobs/import", newImport(name, 1.5 * 1024 ** 2))),
  );
  expect(others.map(({ status }) => status).sort()).toEqual([201, 201, 429, 429]);
  for (const { status, value } of [...same, ...others])
    if (status === 201) expect((await ask("DELETE", `/model-jobs/${value.id}`)).status).toBe(204);
});

test("a version by which others are found, or that is just being activated, is not deleted", async () => {
  const [first, second] = ["bbbb00000001", "bbbb00000002"];
  const record = (each: string, isOwn: boolean): StoredVersion => ({
    ...{ model: "yard", version: each, isOwn, manifest: {}, files: [], holder: "eeeeeeeeeeee" },
    createdTime: new Date().toISOString(),
  });
  await results.buckets.modelStore.put(`yard.${first}`, encodeJson(record(first, true)));
  await results.buckets.modelStore.put(`yard.${second}`, encodeJson(record(second, false)));
  const remove = (each: string) => ask("DELETE", `/models/yard/versions/${each}`);
  await vi.waitUntil(async () => (await ask("GET", `/models/yard/versions/${second}`)).status === 200, {
    timeout: 20_000,
  });
  expect(await remove(first)).toMatchObject({
    status: 409,
    value: { code: "model_version_in_use", message: expect.stringMatching(/delete that first/) },
  });
  const versions = [{ version: second, seenTime: new Date().toISOString() }];
  const candidate = { activation: randomUUID(), version: second };
  await results.buckets.modelVersions.put("yard", encodeJson({ versions, candidate }));
  await vi.waitUntil(async () => (await ask("GET", "/models/yard/versions/1")).status === 200, {
    timeout: 20_000,
  });
  expect((await remove(second)).value.message).toMatch(/being activated/);
  await results.buckets.modelVersions.put("yard", encodeJson({ versions }));
  await vi.waitUntil(async () => (await remove(second)).status === 204, { timeout: 20_000 });
  expect((await remove(first)).status).toBe(204);
});

test("a job whose worker ends goes to another once, and then fails", async () => {
  const clip = join(folder, "clip.mp4");
  const labels = join(folder, "labels.json");
  writeFileSync(clip, "clip");
  writeFileSync(labels, "labels");
  const sent: number[] = [];
  const job = await results.client.modelJobs.evaluate(
    [{ model: "people" }, { model: "people", version: "1" }],
    { clip, labels },
    {
      minHeight: 50,
      onProgress: (done) => sent.push(done),
    },
  );
  expect(sent).toEqual([4, 10]);
  const id = job.name.slice("modelJobs/".length);
  expect(await stored(id)).toMatchObject({
    wanted: { kind: "evaluate", models: [{ model: "people" }, { model: "people", version }], minHeight: 50 },
    state: "waiting",
  });
  await tell(id, { state: "running", worker: "gone", attempts: 1 });
  await vi.waitUntil(async () => (await stored(id)).state === "waiting", { timeout: 30_000 });
  await tell(id, { state: "running", worker: "gone-too", attempts: 2 });
  await vi.waitUntil(async () => (await stored(id)).state === "failed", { timeout: 30_000 });
  expect(await results.client.modelJobs.get(id)).toMatchObject({
    state: ModelJob_State.FAILED,
    message: "the worker that had it, gone-too, ended, as the one before it did",
  });
  expect((await results.client.modelJobs.list()).map(({ name }) => name)).toContain(job.name);
  await results.client.modelJobs.delete(id);
  await expect(results.client.modelJobs.get(id)).rejects.toMatchObject({ reason: "model_job_not_found" });
});

test("what a worker could not bring to its disk is told, and files that belong to nothing go", async () => {
  const why = "ENOSPC: no space left on device, write";
  await results.buckets.workers.put(
    "w2",
    encodeJson({ ...worker, id: "w2", unfetched: [{ model: "street", version, why }] }),
  );
  await vi.waitUntil(async () => (await ask("GET", "/models")).value.faults.length > 0, { timeout: 20_000 });
  expect((await ask("GET", "/models")).value.faults).toEqual([
    `the worker on box could not bring version ${version} of model 'street' to its disk: ${why}`,
  ]);
  const { nats, buckets } = results;
  const log = createLogger("test", "fatal");
  const mirrors = {
    jobs: new KvMirror(nats, buckets.modelJobs, (data) => decodeJson(modelJobSchema, data), log),
    stored: new KvMirror(nats, buckets.modelStore, (data) => decodeJson(storedVersionSchema, data), log),
  };
  await Promise.all([mirrors.jobs.start(), mirrors.stored.start()]);
  const store = new JobStore({
    ...{ nats, files: buckets.modelFiles },
    jobs: { kv: buckets.modelJobs, mirror: mirrors.jobs },
    stored: { kv: buckets.modelStore, mirror: mirrors.stored },
  });
  const open = (await ask("POST", "/model-jobs/import", newImport("later"))).value.id;
  await ask("PUT", `/model-jobs/${open}/files/export/0`, new Uint8Array(5));
  await buckets.modelFiles.put("ffffffffffff.fp32.onnx.0", "left over");
  await store.purgeOrphans();
  const keys = [];
  for await (const key of await buckets.modelFiles.keys()) keys.push(key);
  expect(keys).toEqual([`${open}.export.0`]);
  await Promise.all([mirrors.jobs.stop(), mirrors.stored.stop()]);
});
