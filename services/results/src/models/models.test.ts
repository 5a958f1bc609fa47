import { setTimeout as delay } from "node:timers/promises";
import { TestPictures } from "@sightline/analysis-service/testing";
import {
  type CandidateState,
  decodeJson,
  EventType,
  encodeJson,
  type ModelVersions,
  modelShadowSchema,
  modelVersionsSchema,
  type ServedModel,
  type ShadowMessage,
  subjects,
  type WorkerInfo,
} from "@sightline/contracts";
import { sampleCamera } from "@sightline/service/testing";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { RunningResults } from "../testing/running-results.ts";

/** For a machine that is busy with other tests. */
const patience = { timeout: 30_000 };

const model = "people";
const [first, second, third] = ["aaaa00000001", "aaaa00000002", "bbbb00000003"] as const;
let results: RunningResults;
const workers: PlayedWorker[] = [];

const served: ServedModel = {
  ...{ name: model, version: first, architecture: "yolo_nas_s", width: 640, height: 640, longestSide: 636 },
  ...{ padValue: 114, classes: ["person", "dog"] },
};

/** A worker as results sees it: it tells of itself, and follows the record. */
class PlayedWorker {
  readonly id: string;
  readonly versions: string[] = [first, second, third];
  /** What it says of a candidate; undefined as long as it says nothing. */
  answer: (version: string) => Omit<CandidateState, "activation"> | undefined = () => ({
    state: "ready",
    classes: ["person"],
  });
  #version: string = first;
  #candidate: CandidateState | undefined;
  #ended = false;
  readonly #running: Promise<void>;

  constructor(id: string) {
    this.id = id;
    this.#running = this.#run();
    workers.push(this);
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#running;
    await results.buckets.workers.delete(this.id);
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      const { active, candidate } = await record();
      const answer = candidate && this.answer(candidate.version);
      this.#candidate = candidate && answer ? { ...answer, activation: candidate.activation } : undefined;
      if (active !== undefined && this.answer(active)?.state === "ready") this.#version = active;
      const info: WorkerInfo = {
        ...{ id: this.id, host: "box", model, modelDigest: "0", precision: "int8", executionProvider: "cpu" },
        ...{ batchSize: 1, batchCurve: [], startTime: new Date().toISOString() },
        ...{ utilization: 0, framesPerSecond: 0, meanBatchSize: 0 },
        modelVersion: this.#version,
        versions: [...this.versions],
        ...(this.#candidate ? { candidate: this.#candidate } : {}),
      };
      await results.buckets.workers.put(this.id, encodeJson(info));
      await results.buckets.models.put(model, encodeJson(served));
      await delay(20);
    }
  }
}

async function record(): Promise<ModelVersions> {
  const entry = await results.buckets.modelVersions.get(model);
  return entry ? decodeJson(modelVersionsSchema, entry.value) : { versions: [] };
}

async function played(id: string): Promise<PlayedWorker> {
  const worker = new PlayedWorker(id);
  await vi.waitUntil(
    async () =>
      (await results.client.models.versions(model).catch(() => []))[0]?.workersWith === workers.length,
    { timeout: 20_000, interval: 20 },
  );
  return worker;
}

beforeAll(async () => {
  results = await RunningResults.start();
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.end()));
  await vi.waitUntil(
    async () =>
      (await results.client.models.list())[0]?.workers === 0 ||
      (await results.client.models.list()).length === 0,
    patience,
  );
});
afterAll(() => results?.stop());

test("lists versions with numbers in the order seen, activates one by number or digest, and goes back", async () => {
  await played("w1");
  await played("w2");
  const { models, cameras, rules } = results.client;
  await vi.waitUntil(async () => (await models.versions(model)).length === 3, patience);
  expect(
    (await models.versions(model)).map(({ number, version, active }) => [number, version, active]),
  ).toEqual([
    [1, first, true],
    [2, second, false],
    [3, third, false],
  ]);
  await expect(models.rollback(model)).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    reason: "activation_failed",
  });
  await results.buckets.cameras.put("yard", encodeJson({ ...sampleCamera(), model, classes: ["dog"] }));
  await vi.waitUntil(async () => cameras.get("yard").catch(() => undefined), patience);
  await rules.update("yard", { rules: [{ type: EventType.APPEARED, name: "dogs", classes: ["dog"] }] });

  const { version, warnings } = await models.activate(model, "bbbb");
  expect(version).toMatchObject({
    number: 3,
    version: third,
    active: true,
    servingWorkers: 2,
    workersWith: 2,
  });
  expect(warnings).toEqual([
    "camera yard publishes only some classes, and this version does not know 'dog' of them",
    "the rule 'dogs' of camera yard names 'dog', which this version does not know",
  ]);
  expect(await record()).toMatchObject({ active: third, previous: first });
  expect((await models.activate(model, "2")).version.version).toBe(second);
  expect((await models.rollback(model)).version.version).toBe(third);
  expect(await record()).toMatchObject({ active: third, previous: second });
  expect((await record()).candidate).toBeUndefined();
  await models.activate(model, "1");
});

test("what is not there, is ambiguous or is no version is refused", async () => {
  await played("w1");
  const { models } = results.client;
  await expect(models.versions("nobody")).rejects.toMatchObject({ reason: "model_not_found" });
  await expect(models.activate("nobody", "1")).rejects.toMatchObject({ reason: "model_not_served" });
  await expect(models.activate(model, "9")).rejects.toMatchObject({
    reason: "model_version_not_found",
    message: expect.stringMatching(/no version '9'; known are 1: aaaa00000001, 2:/),
  });
  await expect(models.activate(model, "aaaa")).rejects.toMatchObject({
    reason: "invalid_argument",
    message: expect.stringMatching(/begins 2 versions/),
  });
  await expect(models.activate(model, "ABC")).rejects.toMatchObject({ reason: "invalid_argument" });
});

test("one worker that fails, lacks the version, says nothing or ends keeps all as it was", async () => {
  const { models } = results.client;
  await played("w1");
  const odd = await played("w2");
  const before = await record();
  odd.answer = (version) =>
    version === first ? { state: "ready" } : { state: "failed", message: "it is broken" };
  await expect(models.activate(model, "2")).rejects.toMatchObject({
    reason: "activation_failed",
    message: expect.stringMatching(/nothing has changed: worker w2 on box: it is broken/),
  });
  odd.answer = (version) => (version === first ? { state: "ready" } : undefined);
  await expect(models.activate(model, "2", { timeoutMs: 300 })).rejects.toMatchObject({
    message: expect.stringMatching(/not ready after 0 s on worker w2 on box/),
  });
  // The newer one wins.
  const older = models.activate(model, "2");
  const told = expect(older).rejects.toMatchObject({ reason: "activation_superseded" });
  await vi.waitUntil(async () => (await record()).candidate?.version === second, patience);
  const newer = models.activate(model, "3");
  const ended = expect(newer).rejects.toMatchObject({ message: expect.stringMatching(/w2 on box ended/) });
  await told;
  expect((await record()).candidate?.version).toBe(third);
  workers.splice(workers.indexOf(odd), 1);
  await odd.end();
  await ended;
  expect(await record()).toEqual(before);
  workers[0]!.versions.pop();
  await vi.waitUntil(async () => (await models.versions(model))[2]?.workersWithout === 1, patience);
  await expect(models.activate(model, "3")).rejects.toMatchObject({
    message: expect.stringMatching(/not on the disk of worker w1.*model install/),
  });
});

test("gathers what workers tell of a shadow, keeps pictures of the biggest differences, and ends it", async () => {
  await played("w1");
  const pictures = await TestPictures.start(results.nats);
  const { models, cameras } = results.client;
  await results.buckets.cameras.put("gate", encodeJson({ ...sampleCamera(), model }));
  await vi.waitUntil(async () => cameras.get("gate").catch(() => undefined), patience);
  for (const [camera, of, settings, reason] of [
    ["nowhere", model, {}, "camera_not_found"],
    ["gate", "nobody", {}, "model_not_served"],
    ["gate", model, { version: "9" }, "model_version_not_found"],
    ["gate", model, { share: 2 }, "invalid_argument"],
    ["gate", model, { durationSeconds: 0 }, "invalid_argument"],
  ] as const)
    await expect(models.startShadow(camera, of, settings)).rejects.toMatchObject({ reason });
  const started = await models.startShadow("gate", model, { version: "bbbb", share: 0.5 });
  const id = started.name.slice("shadows/".length);
  const entry = await results.buckets.modelShadows.get(id);
  expect(decodeJson(modelShadowSchema, entry!.value)).toMatchObject({
    ...{ camera: "gate", model, version: third, share: 0.5 },
  });

  const tell = (message: ShadowMessage) =>
    results.nats.connection.publish(subjects.shadow(id), encodeJson(message));
  tell({ kind: "state", worker: "w1", state: "running", dropped: 3 });
  for (let number = 1; number <= 12; number++)
    tell({
      kind: "frame",
      frame: {
        ...{ epoch: "e1", number, captureTimeMs: 1_000 * number, difference: number / 10 },
        boxes: [{ kind: "gained", class: "dog", box: [0.1, 0.1, 0.4, 0.5], shadowScore: number / 10 }],
      },
      classes: {
        person: { both: 2, gained: 0, lost: 0, scoreChange: 0.2, scoreDistance: 0.4 },
        dog: { both: 0, gained: 1, lost: 0, scoreChange: 0, scoreDistance: 0 },
      },
      camera: { model, version: first, precision: "int8" },
      shadow: { model, version: third, precision: "int8" },
      ...{ cameraMs: 40, cameraBatch: 2, shadowMs: 30 },
    });
  await vi.waitUntil(async () => (await models.shadow(id)).frames === 12, { timeout: 20_000 });
  const report = await models.shadow(id);
  expect(report).toMatchObject({
    camera: "cameras/gate",
    workers: [{ worker: "w1", state: "running", dropped: 3 }],
    cameraSide: { version: first, meanRunMs: 40, meanBatch: 2 },
    shadowSide: { version: third, meanRunMs: 30, meanBatch: 1 },
    classes: [
      { className: "dog", both: 0, gained: 12, agreement: 0 },
      { className: "person", both: 24, agreement: 1, meanScoreDistance: expect.closeTo(0.2) },
    ],
    total: { both: 24, gained: 12, lost: 0 },
  });
  expect(report.biggest.map(({ id: frame }) => frame)).toEqual(
    [12, 11, 10, 9, 8, 7, 6, 5].map((number) => `e1-${number}`),
  );
  const pictured = report.biggest.find(({ hasPicture }) => hasPicture);
  const jpeg = await models.shadowPicture(id, pictured!.id);
  expect([...jpeg.subarray(0, 2)]).toEqual([0xff, 0xd8]);
  await expect(models.shadowPicture(id, "e1-1")).rejects.toMatchObject({ reason: "snapshot_not_found" });
  expect((await models.shadows()).map(({ name, biggest }) => [name, biggest])).toEqual([[started.name, []]]);

  expect((await models.stopShadow(id)).endedTime).toBeDefined();
  expect((await results.buckets.modelShadows.get(id))?.operation).toBe("DEL");
  // What is of a camera goes with its data.
  await expect(cameras.forget("gate")).rejects.toMatchObject({ reason: "recording_unavailable" });
  await expect(models.shadow(id)).rejects.toMatchObject({ reason: "shadow_not_found" });
  expect((await results.buckets.shadowPictures.get(`${id}.${pictured!.id}`))?.operation).toBe("PURGE");

  // One whose time is over ends by itself.
  const brief = await models.startShadow("gate", model, { durationSeconds: 1 });
  const briefly = brief.name.slice("shadows/".length);
  await vi.waitUntil(async () => (await models.shadow(briefly)).endedTime, { timeout: 20_000 });
  await models.deleteShadow(briefly);
  await pictures.stop();
});
