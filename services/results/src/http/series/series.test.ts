import { CameraStatus, cameraName, DropReason, FrameDetections, toTimestamp } from "@sightline/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameLatencies } from "../../frame-latencies.ts";
import { figuresOf } from "./camera-series.ts";
import { spread } from "./ledger-difference.ts";
import { SeriesStore } from "./series-store.ts";

let now = 1_000_000_000_000;
const at = (milliseconds: number) => {
  now = 1_000_000_000_000 + milliseconds;
};
const storeOf = (registered: (camera: string) => boolean = () => true) =>
  new SeriesStore(registered, new FrameLatencies({ ageMs: (stamp) => now - stamp }), () => now);

function frame(latencyMs: number, trackIds: string[] = []) {
  return FrameDetections.fromPartial({
    frame: {
      camera: cameraName("front"),
      epoch: "e1",
      number: 1,
      captureTime: toTimestamp(now - latencyMs),
    },
    timings: { decodeUs: 4_000, queueUs: 1_000, batchUs: 0, inferUs: 5_000, postUs: 0, trackUs: 0 },
    detections: trackIds.map((trackId) => ({ trackId })),
  });
}

function status(captured: number, inferred: number, superseded: number, epoch = "e1") {
  return CameraStatus.fromPartial({
    epoch,
    ledger: {
      captured,
      inferred,
      dropped: [{ reason: DropReason.SUPERSEDED, count: superseded }],
      inFlight: captured - inferred - superseded,
    },
  });
}

test("percentiles, stages and tracks of the frames of one second", () => {
  const store = storeOf();
  for (let latency = 1; latency <= 100; latency++) {
    at(latency * 9);
    store.frame(frame(latency + 10, latency === 100 ? ["a", "b", "b", ""] : ["x"]), now - latency);
  }
  at(3_000);
  const [sample] = store.recent("front", 900);
  expect(sample).toMatchObject({
    timeMs: 1_000_000_000_000,
    latencyMs: { p50: 60, p95: 105, p99: 109 },
    stagesMs: { decode: 4, queue: 1, batch: 0, infer: 5, post: 0, track: 0, deliver: 50.5 },
    tracks: 2,
    offsetMs: 0,
  });
});

test("the latency of the last seconds is that of all their frames, not of the newest second", () => {
  const store = storeOf();
  const deliver = (second: number, latencies: number[]) => {
    at(second * 1_000 + 1);
    for (const latency of latencies) store.frame(frame(latency), now - latency + 10);
  };
  for (let second = 0; second < 20; second++) deliver(second, [100, 110]);
  deliver(20, [400, 410, 420]);
  deliver(21, [100, 110]);
  at(23_500);
  expect(store.recent("front", 1)[0]?.latencyMs?.p95).toBe(110);
  expect(store.latency("front", 10)).toEqual({ p50: 110, p95: 410, p99: 420 });
  expect(store.latency("front", 1)).toEqual({ p50: 100, p95: 110, p99: 110 });
  at(60_000);
  expect(store.latency("front", 10)).toBeNull();
  expect(store.latency("back", 10)).toBeNull();
});

test("figures count as loss only what nobody asked for", () => {
  const sample = (inferred: number, dropped: Record<string, number>, tracks = 0) => ({
    timeMs: 0,
    captured: 10,
    inferred,
    dropped: { sampled_out: 5, ...dropped },
    latencyMs: null,
    stagesMs: {},
    tracks,
  });
  const latency = { p50: 1, p95: 2, p99: 3 };
  expect(figuresOf([sample(5, {}), sample(5, {}), sample(2, { superseded: 3 }, 4)], latency)).toEqual({
    seconds: 3,
    capturedFps: 10,
    inferredFps: 4,
    lostShare: 0.2,
    latencyMs: latency,
    tracks: 4,
  });
  expect(figuresOf([sample(0, {})], null)?.lostShare).toBe(0);
  expect(figuresOf([], null)).toBeNull();
});

test("a second is shown when its ledger must have come, and frames are counted once", () => {
  const store = storeOf();
  at(500);
  store.status("front", status(1_000, 900, 100));
  at(1_500);
  store.status("front", status(1_010, 906, 104));
  at(2_500);
  store.status("front", status(1_020, 912, 108));
  expect(store.recent("front", 900).map(({ captured }) => captured)).toEqual([5]);
  at(4_500);
  const samples = store.recent("front", 900);
  expect(samples.map(({ captured }) => captured)).toEqual([5, 10, 5]);
  expect(samples.map(({ inferred, dropped }) => inferred + (dropped.superseded ?? 0))).toEqual([5, 10, 5]);
});

test("a new epoch counts from zero; a ledger that shrank within one counts nothing", () => {
  const store = storeOf();
  at(0);
  store.status("front", status(1_000, 1_000, 0));
  at(10_000);
  store.status("front", status(7, 7, 0, "e2"));
  at(11_000);
  store.status("front", status(3, 3, 0, "e2"));
  at(20_000);
  const total = store.recent("front", 900).reduce((sum, { captured }) => sum + captured, 0);
  expect(total).toBe(7);
});

test("clocks that differ show as an offset, never as a negative latency", () => {
  const store = storeOf();
  at(100);
  store.frame(frame(-400), now);
  at(2_500);
  expect(store.recent("front", 1)).toMatchObject([{ offsetMs: -410, latencyMs: { p50: 10 } }]);
});

test("15 minutes are kept, seconds without anything are shown as such", () => {
  const store = storeOf();
  for (const second of [0, 1, 1_000]) {
    at(second * 1000 + 1);
    store.frame(frame(20), now);
  }
  at(1_002_000);
  const samples = store.recent("front", 5_000);
  expect(samples).toHaveLength(900);
  expect(samples.filter(({ latencyMs }) => latencyMs !== null).map(({ timeMs }) => timeMs)).toEqual([
    1_000_001_000_000,
  ]);
  expect(Object.keys(store.newest())).toEqual(["front"]);
});

test("a camera that is not registered has no series, and a forgotten one stays forgotten", () => {
  let registered = true;
  const store = storeOf(() => registered);
  at(0);
  store.frame(frame(20), now);
  registered = false;
  store.forget("front");
  store.frame(frame(20), now);
  at(5_000);
  expect(store.recent("front", 10)).toEqual([]);
});

test("property: what is spread over seconds adds up, and no part is negative", () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(100_000), fc.nat(20_000), (count, from, length) => {
      const parts = [...spread(count, from, from + length)];
      expect(parts.reduce((sum, [, part]) => sum + part, 0)).toBe(count);
      expect(parts.every(([second, part]) => part >= 0 && second * 1000 <= from + length)).toBe(true);
    }),
  );
});
