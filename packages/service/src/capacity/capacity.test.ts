import type { WorkerInfo } from "@sightline/contracts";
import { expect, test } from "vitest";
import { holdFloors, modelCapacity, runMs } from "./capacity.ts";

function worker(given: Partial<WorkerInfo>): WorkerInfo {
  return {
    ...{ id: "w1", host: "h", model: "m", modelDigest: "", precision: "int8", executionProvider: "cpu" },
    ...{ batchSize: 1, batchCurve: [{ batch: 1, milliseconds: 50 }], startTime: "2026-01-01T00:00:00Z" },
    ...{ utilization: 0, framesPerSecond: 0, meanBatchSize: 0 },
    ...given,
  };
}

test("expects runs between and beyond the measured sizes", () => {
  const points = [
    { batch: 2, milliseconds: 20 },
    { batch: 4, milliseconds: 30 },
  ];
  expect([1, 2, 3, 4, 8].map((batch) => runMs(points, batch))).toEqual([10, 20, 25, 30, 60]);
});

test("workers of a model can run together what each can, as measured when the model was loaded", () => {
  expect(modelCapacity([worker({}), worker({ id: "w2" })], "m")).toBeCloseTo(40);
});

test("a worker whose runs take twice as long now can run half", () => {
  const slow = worker({ utilization: 1, framesPerSecond: 10, meanBatchSize: 1 });
  expect(modelCapacity([slow], "m")).toBeCloseTo(10);
});

test("small batches of a worker with little to do say nothing against its full ones", () => {
  const batchCurve = [
    { batch: 1, milliseconds: 5 },
    { batch: 8, milliseconds: 10 },
  ];
  const calm = worker({
    batchSize: 8,
    batchCurve,
    utilization: 0.5,
    framesPerSecond: 100,
    meanBatchSize: 1,
  });
  expect(modelCapacity([calm], "m")).toBeCloseTo(800);
});

test("sessions that run at the same time can run together what each can beside the others, and no more while one is alone", () => {
  const idle = worker({ sessions: 2 });
  expect(modelCapacity([idle], "m")).toBeCloseTo(40);
  // Alone a run takes 25 of the 50 ms that it takes beside another.
  const alone = worker({ sessions: 2, utilization: 0.25, framesPerSecond: 20, meanBatchSize: 1 });
  expect(modelCapacity([alone], "m")).toBeCloseTo(40);
  const slow = worker({ sessions: 2, utilization: 1, framesPerSecond: 20, meanBatchSize: 1 });
  expect(modelCapacity([slow], "m")).toBeCloseTo(20);
});

test("a worker with two models can promise each half of its time, whichever runs now", () => {
  const both = [worker({}), worker({ id: "w1-other", model: "other" })];
  expect(modelCapacity(both, "m")).toBeCloseTo(10);
  expect(modelCapacity(both, "other")).toBeCloseTo(10);
  const busy = both.map((each) => ({ ...each, utilization: 1 }));
  const slow = [{ ...busy[0]!, framesPerSecond: 10, meanBatchSize: 1 }, busy[1]!];
  expect(modelCapacity(slow, "m")).toBeCloseTo(5);
});

test("of a model that nobody serves, or of which nothing was measured, nothing is known", () => {
  expect(modelCapacity([worker({})], "other")).toBeUndefined();
  expect(modelCapacity([worker({ batchCurve: [] })], "m")).toBeUndefined();
});

test("floors are held by priority, and cut in one proportion where the capacity ends", () => {
  const floors = [
    { camera: "gate", floorFps: 10, priority: 1 },
    { camera: "hall", floorFps: 10, priority: 0 },
    { camera: "yard", floorFps: 5, priority: 0 },
    { camera: "shed", floorFps: 5, priority: -1 },
  ];
  const held = (capacity: number | undefined) => [...holdFloors(floors, capacity).values()];
  expect(held(100)).toEqual([10, 10, 5, 5]);
  expect(held(undefined)).toEqual([10, 10, 5, 5]);
  const [gate, hall, yard, shed] = held(20 / 0.97);
  expect([gate, shed]).toEqual([10, 0]);
  expect(hall).toBeCloseTo(20 / 3);
  expect(yard).toBeCloseTo(10 / 3);
});
