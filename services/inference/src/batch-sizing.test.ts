import { describe, expect, test } from "vitest";
import type { BatchGoal } from "./batch-curve.ts";
import { BatchSizing } from "./batch-sizing.ts";

/** A session whose runs take as long as `takes` says, offered so many frames per second; Infinity: always one more. */
function setUp(options: {
  /** Milliseconds of runs of 1, 2, 4 and 8 frames as the warm-up measured them; the last may be missing. */
  warmUp: readonly number[];
  takes: (frames: number) => number;
  size: number;
  goal?: BatchGoal;
}) {
  const sizes = [1, 2, 4, 8];
  const curve = options.warmUp.map((ms, i) => ({ batch: sizes[i]!, milliseconds: ms, fastest: ms }));
  const changes: [number, number][] = [];
  let now = 0;
  let { takes } = options;
  const sizing = new BatchSizing({
    ...{ curve, sizes, size: options.size, goal: options.goal ?? "balanced", now: () => now },
    onChange: (size, before) => changes.push([before, size]),
  });
  const run = (seconds: number, offered: number) => {
    const seen = new Set<number>();
    for (const end = now + 1000 * seconds; now < end; ) {
      const frames = offered === Infinity ? sizing.size : 1;
      seen.add(frames);
      sizing.handedOver(frames);
      const ms = takes(frames);
      const pause = Math.max(0, (1000 * frames) / offered - ms);
      now += ms + pause;
      if (pause > 0) sizing.starved(pause);
      sizing.ran(frames, ms, 0);
    }
    return [...seen].sort();
  };
  return {
    sizing,
    changes,
    run,
    become(other: (frames: number) => number) {
      takes = other;
    },
  };
}

const gpu = (frames: number) => 4 + 1.25 * frames;
const cpu = (frames: number) => 10 + 20 * frames;

describe("with time to spare", () => {
  test("is as small as keeps up with what is offered", () => {
    const { sizing, run } = setUp({ warmUp: [30, 50, 90, 170], takes: cpu, size: 2 });
    expect(sizing.size).toBe(2);
    run(3, 20);
    expect(sizing.size).toBe(1);
    expect(sizing.full).toBe(2);
  });

  test("stays large where a batch has its frames done sooner, as on a GPU", () => {
    const { sizing, run } = setUp({ warmUp: [5.25, 6.5, 9, 14], takes: gpu, size: 8 });
    run(3, 50);
    expect(sizing.size).toBe(8);
  });

  test("does not shrink to a size that would only just keep up", () => {
    const { sizing, run } = setUp({ warmUp: [30, 50, 90, 170], takes: cpu, size: 2 });
    run(3, 31);
    expect(sizing.size).toBe(2);
  });
});

describe("with more than can be inferred", () => {
  test("grows again, and no further than the goal allows", () => {
    const { sizing, run } = setUp({ warmUp: [30, 50, 90, 170], takes: cpu, size: 2 });
    run(3, 20);
    run(3, Infinity);
    expect(sizing.size).toBe(2);
  });

  test("gives up a size that a busy machine made look good, by runs of both by turns", () => {
    // The warm-up's runs of 1 and 2 were disturbed: in truth a frame costs the same in any batch.
    const { sizing, run, changes } = setUp({
      warmUp: [90, 100, 85, 170],
      takes: (frames) => 20 * frames,
      size: 4,
    });
    run(60, Infinity);
    expect(sizing.full).toBe(1);
    expect(changes).toEqual([
      [4, 2],
      [2, 1],
    ]);
  });

  test("finds a larger size that a busy machine made look bad", () => {
    const { sizing, run } = setUp({ warmUp: [5.25, 13, 26, 52], takes: gpu, size: 1 });
    run(120, Infinity);
    expect(sizing.full).toBe(8);
    expect(sizing.curve.at(-1)!.milliseconds).toBeCloseTo(14, 1);
  });

  test("finds a larger size that the warm-up did not measure, because a busy machine made a smaller one look bad", () => {
    const { sizing, run } = setUp({ warmUp: [5.25, 13], takes: gpu, size: 1 });
    run(120, Infinity);
    expect(sizing.full).toBe(8);
    expect(sizing.curve.at(-1)!.milliseconds).toBeCloseTo(14, 1);
  });

  test("compares less and less often when nothing changes, and only with neighbours", () => {
    const { run } = setUp({ warmUp: [30, 50, 90, 170], takes: (frames) => 30 * frames, size: 1 });
    expect(run(9, Infinity)).toEqual([1]);
    expect(run(5, Infinity)).toEqual([1, 2]);
    expect(run(5, Infinity)).toEqual([1]);
    expect(run(151, Infinity)).toEqual([1, 2]);
    expect(run(140, Infinity)).toEqual([1]);
  });

  test("is not fooled when the machine becomes slower meanwhile: both sizes do", () => {
    const { sizing, run, become } = setUp({ warmUp: [30, 50, 90, 170], takes: cpu, size: 2 });
    run(5, Infinity);
    become((frames) => 3 * cpu(frames));
    run(120, Infinity);
    expect(sizing.full).toBe(2);
  });
});

test("a comparison ends when the load does", () => {
  const { sizing, run } = setUp({ warmUp: [30, 50, 90, 170], takes: cpu, size: 2 });
  run(10.2, Infinity);
  run(5, 10);
  expect(sizing.size).toBe(1);
});

test("one size that is asked for is kept whatever the load", () => {
  const point = { batch: 4, milliseconds: 90, fastest: 90 };
  let now = 0;
  const sizing = new BatchSizing({ curve: [point], sizes: [4], size: 4, goal: "balanced", now: () => now });
  for (let i = 0; i < 200; i++) {
    now += 1_000;
    sizing.handedOver(1);
    sizing.starved(i < 100 ? 900 : 0);
    sizing.ran(1, 90, 0);
  }
  expect(sizing.size).toBe(4);
});
