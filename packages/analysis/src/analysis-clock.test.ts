import { toTimestamp } from "@sightline/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnalysisClock } from "./analysis-clock.ts";

const start = 1_000_000;
const hour = 3_600_000;
const after = (clock: AnalysisClock, capture: number, pts: number, epoch = "a") =>
  clock.frame(epoch, toTimestamp(start + capture), pts * 1000).ms - start;

function clockAt(capture: number, pts: number): AnalysisClock {
  const clock = new AnalysisClock();
  expect(after(clock, capture, pts)).toBe(capture);
  return clock;
}

describe("time between frames", () => {
  it("is as by capture time, while presentation time agrees within a second", () => {
    const clock = clockAt(0, 500);
    expect(after(clock, 40, 540)).toBe(40);
    expect(after(clock, 140, 580)).toBe(140);
    expect(after(clock, 5140, 5580)).toBe(5140);
  });

  it("never goes back", () => {
    const clock = clockAt(0, 0);
    expect(after(clock, 100, 100)).toBe(100);
    expect(after(clock, 60, 140)).toBe(100);
    expect(after(clock, 100, 180)).toBe(140);
  });

  it("is as by presentation time, when the wall clock is set, forth and back", () => {
    const clock = clockAt(0, 0);
    expect(after(clock, hour + 40, 40)).toBe(40);
    expect(after(clock, hour + 80, 80)).toBe(80);
    expect(after(clock, 120, 120)).toBe(120);
    expect(after(clock, 160 - hour, 160)).toBe(160);
    expect(after(clock, 5160 - hour, 5160)).toBe(5160);
  });

  it("is as by presentation time, when frames were held up and come in a burst", () => {
    const clock = clockAt(0, 0);
    for (let frame = 1; frame <= 100; frame++) after(clock, 5000 + frame, frame * 40);
    expect(after(clock, 5200, 4040)).toBe(4040);
    // Both agree again, so capture time counts.
    expect(after(clock, 6000, 5000)).toBe(4840);
  });

  it("is as by capture time, when presentation time was set, forth or back", () => {
    const clock = clockAt(0, 0);
    expect(after(clock, 40, hour)).toBe(40);
    expect(after(clock, 80, hour + 40)).toBe(80);
    expect(after(clock, 120, 0)).toBe(120);
    expect(after(clock, 160, 40)).toBe(160);
  });

  it("is as by capture time, when presentation time stands still, or moves with every other frame", () => {
    const still = clockAt(0, 0);
    for (let frame = 1; frame <= 100; frame++) expect(after(still, frame * 100, 0)).toBe(frame * 100);
    const pairs = clockAt(0, 0);
    for (let frame = 1; frame <= 100; frame++)
      expect(after(pairs, frame * 100, Math.floor(frame / 2) * 200)).toBe(frame * 100);
  });

  it("is as by capture time across epochs", () => {
    const clock = clockAt(0, 0);
    expect(after(clock, 3000, 77, "b")).toBe(3000);
    expect(after(clock, 2000, 99, "c")).toBe(3000);
    expect(after(clock, 2040, 139, "c")).toBe(3040);
  });

  it("is nothing for a frame without capture time", () => {
    const clock = clockAt(0, 0);
    const now = clock.frame("a", undefined, 40_000);
    expect(now).toEqual({ ms: start, time: toTimestamp(start) });
  });
});

describe("time without frames", () => {
  it("passes by the wall clock, but little right after a frame, as another host tells it", () => {
    const clock = clockAt(0, 0);
    type What = Parameters<AnalysisClock["host"]>[1];
    const host = (ms: number, what: What) => clock.host(toTimestamp(start + ms), what).ms - start;
    expect(host(1000, "tick")).toBe(1000);
    expect(host(2000, "tick")).toBe(2000);
    expect(host(1500, "tick")).toBe(2000);
    expect(after(clock, 2100, 2100)).toBe(2100);
    expect(host(hour, "tick")).toBe(4100);
    expect(host(hour + 1000, "tick")).toBe(5100);
    // The frames' own clock goes on from the last frame; what has passed has passed, and time goes on.
    expect(after(clock, 2200, 2200)).toBe(5150);
    expect(after(clock, 5300, 5300)).toBe(5300);
    // Rules wait for no time to pass: frames of before them may follow.
    expect(host(9000, "rules")).toBe(5300);
    expect(after(clock, 5340, 5340)).toBe(5340);
    expect(host(65_300, "transition")).toBe(65_300);
  });
});

describe("the clock", () => {
  it("knows the wall clock's time of the last two frames exactly, and of others by the time since", () => {
    const clock = clockAt(0, 0);
    after(clock, hour + 40, 40);
    expect(clock.timeAt(start)).toEqual(toTimestamp(start));
    expect(clock.timeAt(start + 40)).toEqual(toTimestamp(start + hour + 40));
    after(clock, hour + 80, 80);
    expect(clock.timeAt(start)).toEqual(toTimestamp(start + hour));
  });

  it("never goes back, and goes on from a snapshot, whatever happens", () => {
    const happening = fc.record({
      host: fc.boolean(),
      what: fc.constantFrom("tick", "rules", "transition"),
      epoch: fc.constantFrom("a", "b"),
      capture: fc.integer({ min: -hour, max: hour }),
      pts: fc.integer({ min: -hour, max: hour }),
    });
    fc.assert(
      fc.property(fc.array(happening), (happenings) => {
        const clock = new AnalysisClock();
        let before = Number.NEGATIVE_INFINITY;
        for (const { host, what, epoch, capture, pts } of happenings) {
          const restored = new AnalysisClock(JSON.parse(JSON.stringify(clock.snapshot())));
          const time = toTimestamp(start + capture);
          const tell = (of: AnalysisClock) =>
            host ? of.host(time, what) : of.frame(epoch, time, pts * 1000);
          const now = tell(clock);
          expect(now.ms).toBeGreaterThanOrEqual(before);
          expect(tell(restored)).toEqual(now);
          before = now.ms;
        }
      }),
    );
  });
});
