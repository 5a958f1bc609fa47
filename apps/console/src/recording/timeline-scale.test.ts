import type { HttpEvent, HttpRecordingSpan } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import { eventBeside, joined, partOf, playableFrom } from "./timeline-scale.ts";

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
