import type { HttpSample } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import { figures, lostFrames, recent } from "./recent-samples.ts";

function sample(second: number, more: Partial<HttpSample> = {}): HttpSample {
  return {
    timeMs: second * 1000,
    captured: 10,
    inferred: 5,
    dropped: {},
    latencyMs: null,
    stagesMs: {},
    tracks: 0,
    ...more,
  };
}

describe("recent samples", () => {
  it("keeps the last seconds, each once", () => {
    let samples: readonly HttpSample[] = [];
    for (const second of [1, 2, 3, 3, 4]) samples = recent(samples, sample(second), 3);
    expect(samples.map((one) => one.timeMs)).toEqual([2000, 3000, 4000]);
  });

  it("counts as loss only what nobody asked for", () => {
    const samples = [
      sample(1, { dropped: { sampled_out: 5 } }),
      sample(2, { dropped: { sampled_out: 5 }, latencyMs: { p50: 1, p95: 2, p99: 3 } }),
      sample(3, { inferred: 2, dropped: { sampled_out: 5, superseded: 3 }, tracks: 4 }),
    ];
    expect(figures(samples)).toEqual({
      capturedFps: 10,
      inferredFps: 4,
      latency: { p50: 1, p95: 2, p99: 3 },
      dropRate: 0.2,
      tracks: 4,
    });
    expect(lostFrames({ no_motion: 3, stale: 1, worker_lost: 2 })).toBe(3);
  });

  it("knows nothing of too few seconds, and no loss without frames", () => {
    const still = [1, 2, 3].map((second) => sample(second, { captured: 0, inferred: 0 }));
    expect(figures([])).toBeUndefined();
    expect(figures(still.slice(0, 2))).toBeUndefined();
    expect(figures(still)?.dropRate).toBe(0);
  });
});
