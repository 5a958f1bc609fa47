import { expect, test } from "vitest";
import { LoadMeter } from "./load-meter.ts";

test("load is that of the window, and of the time since the start while that is shorter", () => {
  let now = 1_000;
  const meter = new LoadMeter(5_000, () => now);
  expect(meter.read()).toEqual({ utilization: 0, framesPerSecond: 0, meanBatchSize: 0 });
  now += 1_000;
  meter.add(4, 400);
  meter.add(2, 200);
  expect(meter.read()).toEqual({ utilization: 0.6, framesPerSecond: 6, meanBatchSize: 3 });
  now += 4_000;
  expect(meter.read().framesPerSecond).toBeCloseTo(1.2);
  now += 1_001;
  expect(meter.read()).toEqual({ utilization: 0, framesPerSecond: 0, meanBatchSize: 0 });
});

test("runs that overlap do not make a session busier than always", () => {
  let now = 0;
  const meter = new LoadMeter(1_000, () => now);
  now = 1_000;
  meter.add(1, 800);
  meter.add(1, 800);
  expect(meter.read().utilization).toBe(1);
});
