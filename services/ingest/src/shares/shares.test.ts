import { setTimeout as delay } from "node:timers/promises";
import {
  type CameraShare,
  decodeJson,
  encodeJson,
  readyConsumer,
  type ServedModel,
  streams,
  tokenSchema,
  type WorkerInfo,
} from "@sightline/contracts";
import { Announcement, createLogger } from "@sightline/service";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { IngestRig, testModel } from "../testing/ingest-rig.ts";

const log = createLogger("test", "error");
/** A model that only the workers here serve, two of them, of which each takes one frame after the other. */
const slowModel: ServedModel = { ...testModel, name: "slow-model" };
const workers = 2;
const runMs = 200;
/** Of 10 frames/s each, so that four have four times what the workers can. */
const shares: Record<string, CameraShare> = {
  plain: {},
  same: {},
  double: { weight: 2 },
  gate: { floorFps: 5 },
};

let rig: IngestRig;
let stopped = false;
let serving: Promise<unknown>;

beforeAll(async () => {
  rig = await IngestRig.start();
  await new Announcement(rig.buckets.models, slowModel.name, () => slowModel, log).start();
  for (let i = 0; i < workers; i++) {
    const info = (): WorkerInfo => ({
      ...{ id: `w${i}`, host: "h", model: slowModel.name, modelDigest: "", precision: "none" },
      ...{ executionProvider: "cpu", batchSize: 1, startTime: new Date().toISOString() },
      batchCurve: [{ batch: 1, milliseconds: runMs }],
      ...{ utilization: 0, framesPerSecond: 0, meanBatchSize: 0 },
    });
    await new Announcement(rig.buckets.workers, `w${i}`, info, log).start();
  }
  await rig.nats.manager.consumers.add(streams.ready, readyConsumer(slowModel.name));
  serving = Promise.all(Array.from({ length: workers }, serve));
  await Promise.all([rig.ingest("ingest-1"), rig.ingest("ingest-2")]);
});

afterAll(async () => {
  stopped = true;
  await serving;
  await rig.stop();
});

/** A worker that takes a frame, is busy with it for a fixed time, and takes the next. */
async function serve(): Promise<void> {
  const consumer = await rig.nats.jetstream.consumers.get(
    streams.ready,
    readyConsumer(slowModel.name).durable_name,
  );
  while (!stopped) {
    const message = await consumer.next({ expires: 1_000 });
    if (!message) continue;
    const frame = await rig.worker.request(decodeJson(tokenSchema, message.data));
    if (frame) {
      await delay(runMs);
      await rig.worker.publish(frame);
    }
    message.ack();
  }
}

/** Frames of each camera that were inferred, of those that came meanwhile: until so many have come of each. */
async function inferredShares(frames: number): Promise<Record<string, number>> {
  const account = async (camera: string) => {
    const { ledger, epoch } = (await rig.status(camera))!;
    return { captured: ledger!.captured, inferred: ledger!.inferred, epoch };
  };
  const names = Object.keys(shares);
  const before = await Promise.all(names.map(account));
  const after = await vi.waitUntil(
    async () => {
      const now = await Promise.all(names.map(account));
      return now.every(({ captured }, i) => captured - before[i]!.captured >= frames) && now;
    },
    { timeout: 120_000, interval: 200 },
  );
  return Object.fromEntries(
    names.map((name, i) => [
      name,
      (after[i]!.inferred - before[i]!.inferred) / (after[i]!.captured - before[i]!.captured),
    ]),
  );
}

test("under overload a floor is held, and the rest goes by weight, over two ingests and two workers", async () => {
  const cameras = await rig.cameras(Object.keys(shares).length);
  for (const [i, [camera, share]] of Object.entries(shares).entries()) {
    if (Object.keys(share).length > 0) await rig.buckets.cameraShares.put(camera, encodeJson(share));
    await rig.register(camera, { uri: cameras.url(`camera-${i + 1}`), model: slowModel.name });
  }
  const held = await Promise.all(
    Object.keys(shares).map((camera) => rig.statusThat(camera, ({ ledger }) => (ledger?.inferred ?? 0) > 10)),
  );
  expect(new Set(held.map(({ ingest }) => ingest)).size).toBe(2);
  const { plain, same, double, gate } = await inferredShares(200);
  const ordinary = (plain! + same!) / 2;
  // 5 of 10 frames are promised, and the 5 that are left go 1 : 1 : 2; equal shares were 2.5 of each. Workers of a busy machine run
  // fewer, of which the floor has more.
  expect(gate! / ordinary).toBeGreaterThan(2);
  expect(gate! / (gate! + plain! + same! + double!)).toBeGreaterThan(0.4);
  expect(double! / ordinary).toBeGreaterThan(1.4);
  expect(double! / ordinary).toBeLessThan(2.8);
  expect(await rig.status("gate")).toMatchObject({ promisedFps: 5 });
});

test("what the workers cannot hold of a floor is said in the camera's status", async () => {
  await rig.buckets.cameraShares.put("gate", encodeJson({ floorFps: 10 }));
  await rig.buckets.cameraShares.put("double", encodeJson({ floorFps: 8, priority: 1 }));
  const gate = await rig.statusThat("gate", ({ promisedFps }) => promisedFps < 5);
  expect(gate.promisedFps).toBeCloseTo(0.97 * 10 - 8);
  await rig.statusThat("double", ({ promisedFps }) => promisedFps === 8);
});
