import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { monotonicMs, SteadyWallClock, untilBeat } from "./clock.ts";
import type { ClockReading } from "./testing/clock-process.ts";
import { SteppedClock } from "./testing/index.ts";

describe("the wall clock of a process", () => {
  const clock = new SteppedClock();
  let child: ChildProcess;

  beforeAll(() => {
    child = fork(new URL("./testing/clock-process.ts", import.meta.url), {
      env: { ...process.env, ...clock.env },
    });
  });

  afterAll(() => {
    child.kill();
    clock.remove();
  });

  const ask = async (stamp = 0): Promise<ClockReading> => {
    child.send(stamp);
    return (await once(child, "message"))[0];
  };

  /** Date.now() gives whole milliseconds; what the reading took is the most by which the two can differ. */
  const followsTheSystem = ({ wall, system: [before, after], monotonic }: ClockReading) => {
    const tookMs = monotonic[1] - monotonic[0];
    expect(wall).toBeGreaterThanOrEqual(before - 0.01);
    expect(wall).toBeLessThanOrEqual(after + 1 + tookMs + 0.01);
  };

  test.each([3600, -3600, 0])(
    "follows the system's clock when it is set to %d s, and knows the age of older stamps",
    async (seconds) => {
      const before = await ask();
      followsTheSystem(before);
      clock.set(seconds);
      await expect
        .poll(async () => Math.abs((await ask()).system[0] - before.system[0]))
        .toBeGreaterThan(3_000_000);
      const after = await ask(before.wall);
      followsTheSystem(after);
      expect(after.age).toBeGreaterThan(after.monotonic[0] - before.monotonic[1] - 250);
      expect(after.age).toBeLessThan(after.monotonic[1] - before.monotonic[0] + 250);
      const { age } = await ask(after.wall);
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(60_000);
    },
  );
});

test("processes of one host do what is regular at the same moments, and a timer that fires too early does not do it twice", () => {
  for (let look = 0; look < 100; look++) {
    const before = monotonicMs();
    const wait = untilBeat(7);
    const latest = monotonicMs() + wait;
    expect(latest - (latest % 7)).toBeGreaterThan(before + wait - 0.001);
    expect(wait).toBeGreaterThanOrEqual(0.7);
    expect(wait).toBeLessThanOrEqual(7.7);
  }
});

describe("a steady clock", () => {
  const set = (...walls: [monotonic: number, wall: number][]) => {
    const map = new Map(walls);
    const clock = new SteadyWallClock((monotonic) => map.get(monotonic)!);
    return walls.map(([monotonic]) => clock.at(monotonic));
  };

  test("is the wall clock as long as that goes forward", () => {
    expect(set([0, 1000], [100, 1100], [200, 5200])).toEqual([1000, 1100, 5200]);
  });

  test("goes on at half speed while the wall clock was put back a little, until they agree", () => {
    expect(set([0, 1000], [100, 900], [200, 1000], [400, 1200], [600, 1400])).toEqual([
      1000, 1050, 1100, 1200, 1400,
    ]);
  });

  test("follows a clock that was set back", () => {
    expect(set([0, 3_600_000], [100, 100], [200, 200])).toEqual([3_600_000, 100, 200]);
  });

  test("keeps the order of instants that are asked for out of order", () => {
    expect(set([0, 1000], [200, 1200], [100, 1100], [300, 1300])).toEqual([1000, 1200, 1100, 1300]);
    expect(set([200, 1200], [300, 1210], [250, 1255])).toEqual([1200, 1250, 1250]);
  });
});
