import type { HttpEvent, HttpRecordingSpan } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import {
  eventBeside,
  isIn,
  joined,
  panned,
  partOf,
  playableFrom,
  showing,
  stepFrom,
  ticksIn,
  zoomed,
} from "./timeline-scale.ts";

const iso = (ms: number) => new Date(ms).toISOString();
const span = (fromMs: number, toMs: number) =>
  ({ startTime: iso(fromMs), endTime: iso(toMs) }) as HttpRecordingSpan;

describe("a day's strip", () => {
  const window = { fromMs: 1_000, toMs: 2_000 };

  it("places what is in it, cut at its ends, and nothing that is outside", () => {
    expect(partOf(window, 1_250, 1_500)).toEqual({ left: 0.25, width: 0.25 });
    expect(partOf(window, 0, 1_100)).toEqual({ left: 0, width: 0.1 });
    expect(partOf(window, 2_500, 3_000)).toBeUndefined();
    expect(partOf(window, 2_000, 2_000, 0.01)).toEqual({ left: 0.99, width: 0.01 });
  });

  it("joins recordings that meet, and plays from the next when there is none", () => {
    const recorded = joined([span(0, 10_000), span(11_000, 20_000), span(50_000, 60_000)]);
    expect(recorded).toEqual([
      { fromMs: 0, toMs: 20_000 },
      { fromMs: 50_000, toMs: 60_000 },
    ]);
    expect(playableFrom(recorded, 5_000)).toBe(5_000);
    expect(playableFrom(recorded, 30_000)).toBe(50_000);
    expect(playableFrom(recorded, 70_000)).toBeUndefined();
  });

  it("goes from event to event", () => {
    const events = [30, 10, 20].map((ms) => ({ startTime: iso(ms) }) as HttpEvent);
    expect(eventBeside(events, 10, "next")?.startTime).toBe(iso(20));
    expect(eventBeside(events, 25, "previous")?.startTime).toBe(iso(20));
    expect(eventBeside(events, 10, "previous")).toBeUndefined();
  });
});

describe("the scale of all cameras", () => {
  const hour = 3_600_000;
  const local = (hours: number, minutes = 0) => new Date(2026, 2, 3, hours, minutes).getTime();
  const window = { fromMs: local(1, 20), toMs: local(25, 20) };
  const now = window.toMs;

  it("is marked at full steps of the local clock, finer when it is shorter, and names the day at midnight", () => {
    expect(ticksIn(window).map(({ label }) => label)).toEqual([
      "03:00",
      "06:00",
      "09:00",
      "12:00",
      "15:00",
      "18:00",
      "21:00",
      "4.3.",
    ]);
    expect(ticksIn({ fromMs: local(10, 1), toMs: local(10, 11) }).map(({ label }) => label)).toEqual([
      "10:02",
      "10:04",
      "10:06",
      "10:08",
      "10:10",
    ]);
    expect(ticksIn({ fromMs: local(1), toMs: local(7 * 24) }).map(({ label }) => label)[0]).toBe("4.3.");
  });

  it("zooms about a time, which stays where it is", () => {
    const near = zoomed(window, 0.5, local(7, 20), now);
    expect(near).toEqual({ fromMs: local(4, 20), toMs: local(16, 20) });
    expect(zoomed(near, 2, local(7, 20), now)).toEqual(window);
    expect(zoomed(window, 1e-9, local(7), now)).toMatchObject({ fromMs: expect.any(Number) });
    const least = zoomed(window, 1e-9, local(7), now);
    expect(least.toMs - least.fromMs).toBe(10 * 60_000);
    const most = zoomed(window, 1e9, local(7), now);
    expect(most).toEqual({ fromMs: now - 7 * 24 * hour, toMs: now });
  });

  it("is moved, but not beyond now", () => {
    expect(panned(window, -0.5, now)).toEqual({ fromMs: window.fromMs - 12 * hour, toMs: now - 12 * hour });
    expect(panned(window, 0.5, now)).toEqual(window);
    expect(showing(window, local(5), now)).toBe(window);
    expect(showing(window, local(-48), now)).toEqual({ fromMs: local(-60), toMs: local(-36) });
  });

  it("goes on from the event that is played, and from the end when none is", () => {
    expect(stepFrom(undefined, window, "previous")).toBe(window.toMs);
    // Played from 5 s before it on.
    const [event, played] = [local(5), local(5) - 5_000];
    expect(stepFrom(played, window, "next")).toBeGreaterThan(event);
    expect(stepFrom(played, window, "previous")).toBeLessThan(event);
    // A player tells a time that is a little off, and a recording may begin after the 5 s before the event.
    for (const at of [played - 60, played + 60, played + 3_000]) {
      const last = { startMs: event, fromMs: at + 20 };
      expect(stepFrom(at, window, "next", last)).toBe(event + 1);
      expect(stepFrom(at, window, "previous", last)).toBe(event);
      expect(stepFrom(at + 2_000, window, "previous", last)).toBe(at + 2_000 + 4_000);
    }
    expect(isIn(window, window.fromMs)).toBe(true);
    expect(isIn(window, window.toMs)).toBe(false);
    expect(isIn(undefined, 0)).toBe(false);
  });
});
