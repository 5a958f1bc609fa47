import type { CameraRecord, CameraShare, IngestPresence, WorkerInfo } from "@sightline/contracts";
import { expect, test } from "vitest";
import { SharePlan } from "./share-plan.ts";

const model = "m";
const mirror = <T>(entries: Record<string, T>) => ({
  keys: () => Object.keys(entries),
  get: (key: string): T | undefined => entries[key],
});

interface Situation {
  /** Frames/s that the workers run together; none: there are none. */
  capacity?: number;
  /** What other ingests say. */
  others?: Record<string, IngestPresence>;
  /** Milliseconds that tokens wait. */
  waitMs?: number;
}

/** A plan for cameras of which all have a frame too many. */
function planFor(
  shares: Record<string, CameraShare>,
  { capacity, others = {}, waitMs = 400 }: Situation = {},
) {
  const worker = {
    ...{ id: "w", model, batchSize: 1, utilization: 0, framesPerSecond: 0, meanBatchSize: 0 },
    batchCurve: [{ batch: 1, milliseconds: 1000 / (capacity ?? 1) }],
  } as WorkerInfo;
  const told = Object.entries(others).map(([id, presence]) => [`ingest.${id}`, JSON.stringify(presence)]);
  const plan = new SharePlan(
    {
      records: mirror(Object.fromEntries(Object.keys(shares).map((id) => [id, { model } as CameraRecord]))),
      shares: mirror(
        Object.fromEntries(Object.entries(shares).filter(([, each]) => Object.keys(each).length)),
      ),
      workers: mirror(capacity === undefined ? {} : { w: worker }),
      leases: mirror({ ...Object.fromEntries(told), "session.camera.x": "1" }),
    },
    "here",
    () => 0,
  );
  const turns = Object.keys(shares).map((id) => [id, plan.turnsOf(id, () => model)] as const);
  // The second time it knows who has a floor and who has not.
  for (let round = 0; round < 3; round++) {
    plan.plan();
    for (const [, each] of turns) {
      each.arrived(true);
      each.waited(waitMs);
    }
  }
  return { plan, pace: (camera: string) => new Map(turns).get(camera)!.pace() };
}

test("while no camera has a share of its own nothing is paced, and nothing is told", () => {
  const { plan, pace } = planFor({ front: {}, yard: {} }, { capacity: 20 });
  expect(pace("front")).toBeUndefined();
  expect(plan.presence()).toEqual({ pressed: {} });
});

test("tokens come in proportion to weights: twice the weight, half the time between two", () => {
  const cameras = Array.from({ length: 8 }, (_, i) => [`c${i}`, {}]);
  const { pace } = planFor({ ...Object.fromEntries(cameras), wide: { weight: 2 }, dim: { weight: 0.5 } });
  const [one, two, half] = ["c0", "wide", "dim"].map((camera) => pace(camera)!.intervalMs);
  expect(one! / two!).toBeCloseTo(2);
  expect(half! / one!).toBeCloseTo(2);
  // As many tokens wait as there are cameras, as where all are equal.
  expect(["c0", "wide", "dim"].map((camera) => pace(camera)!.most)).toEqual([1, 3, 1]);
});

test("a camera with a floor gets a token as often as that says, however long tokens wait", () => {
  const shares = { gate: { floorFps: 5 }, a: {}, b: {} };
  expect(planFor(shares, { capacity: 20, waitMs: 2_000 }).pace("gate")!.intervalMs).toBe(200);
  expect(planFor(shares, { capacity: 20, waitMs: 9_000 }).pace("gate")!.intervalMs).toBe(200);
  // Enough tokens for it are in the queue meanwhile.
  expect(planFor(shares, { capacity: 20, waitMs: 2_000 }).pace("gate")!.most).toBeGreaterThanOrEqual(10);
});

test("where weights give more than the floor, they count", () => {
  const { pace } = planFor({ gate: { floorFps: 1 }, a: {}, b: {} }, { capacity: 20, waitMs: 100 });
  expect(pace("gate")!.intervalMs).toBeLessThan(1000);
  expect(pace("gate")!.intervalMs).toBeCloseTo(pace("a")!.intervalMs);
});

test("floors that the workers cannot hold are cut, those of the lowest priority first", () => {
  const { plan } = planFor(
    { gate: { floorFps: 6, priority: 1 }, yard: { floorFps: 8 }, hall: { floorFps: 4, priority: -1 } },
    { capacity: 10 },
  );
  const promised = (camera: string) => plan.floorOf(camera).promisedFps;
  expect(promised("gate")).toBe(6);
  expect(promised("yard")).toBeCloseTo(3.7);
  expect(promised("hall")).toBe(0);
  expect(plan.floorOf("hall").floorFps).toBe(4);
});

test("ingests tell each other of their cameras, so that a weight means the same in all", () => {
  const shares = { mine: { weight: 2 }, equal: {} };
  const alone = planFor(shares);
  const { weight, cameras } = alone.plan.presence().pressed[model]!;
  expect({ weight, cameras }).toEqual({ weight: 3, cameras: 2 });
  const other = { pressed: { [model]: { cameras: 18, weight: 37, floorFps: 0 } } };
  const together = planFor(shares, { others: { there: other } });
  // Of 20 tokens for a weight of 40 in all it has 1; alone it had 2 thirds of the 8 that there are at least.
  expect(together.pace("mine")!.intervalMs).toBeCloseTo(400);
  expect(alone.pace("mine")!.intervalMs).toBeCloseTo(400 / (16 / 3));
});

test("an ingest of an earlier version says nothing of its cameras, and is passed over", () => {
  const { plan, pace } = planFor({ mine: { weight: 2 } }, { others: { old: "present" as never } });
  expect(pace("mine")).toBeDefined();
  expect(plan.presence().pressed[model]).toMatchObject({ cameras: 1 });
});
