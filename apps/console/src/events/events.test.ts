import type { HttpEvent } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import { matches, mergeEvents } from "./event-feed.ts";
import { eventFacts, eventSpan, eventTitle } from "./event-words.ts";
import { neighboursIn } from "./neighbours.ts";

function event(id: string, more: Partial<HttpEvent> = {}): HttpEvent {
  return {
    camera: "front",
    id,
    type: "entered_zone",
    phase: "start",
    revision: 1,
    rule: "r",
    zone: "road",
    line: "",
    direction: "",
    track: { id: "x-1", className: "person", score: 0.9, bestScore: 0.9, box: [0, 0, 1, 1], zones: [] },
    count: 0,
    startTime: "2026-01-01T10:00:00.000Z",
    updateTime: "2026-01-01T10:00:00.000Z",
    endTime: null,
    endReason: "",
    hasSnapshot: false,
    hasClip: false,
    snapshotScore: null,
    message: "",
    ...more,
  };
}

it("knows the events next to one, as far as the list goes", () => {
  const [c, b, a] = [event("c"), event("b"), event("a")];
  const list = [c, b, a];
  expect(neighboursIn(list, "front/b", false)).toEqual({ newer: c, older: a });
  expect(neighboursIn(list, "front/c", false)).toEqual({ newer: undefined, older: b });
  expect(neighboursIn(list, "front/a", false)).toBeUndefined();
  expect(neighboursIn(list, "front/a", true)).toEqual({ newer: b, older: undefined });
  expect(neighboursIn(list, "front/z", true)).toBeUndefined();
});

it("says why a camera went down, not once more that it did", () => {
  const down = (message: string) =>
    eventFacts(event("a", { type: "camera_down", track: null, rule: "", message }));
  expect(down("camera is down: nothing listens at port 554: check it")).toBe(
    "nothing listens at port 554: check it",
  );
  expect(down("camera is down")).toBe("");
  expect(down("rtsp: bad answer")).toBe("rtsp: bad answer");
});

describe("event feed", () => {
  it("holds each event once in its newest revision, newest first", () => {
    const old = event("a", { revision: 3 });
    const late = event("b", { startTime: "2026-01-01T10:00:05.000Z" });
    const merged = mergeEvents([old], [event("a", { revision: 2 }), late]);
    expect(merged).toEqual([late, old]);
    expect(mergeEvents(merged, [event("a", { revision: 4, phase: "end" })])[1]).toMatchObject({
      phase: "end",
    });
  });

  it("filters as the server does", () => {
    const all = { camera: "", type: "", class: "", zone: "" };
    const searched = event("a", {
      zone: "Gate",
      startTime: "2026-03-01T08:00:00Z",
      endTime: "2026-03-01T08:00:09Z",
    });
    expect(matches(searched, { ...all, text: " gate  A " })).toBe(true);
    expect(matches(searched, { ...all, text: "gate roof" })).toBe(false);
    expect(matches(searched, { ...all, minSeconds: "9" })).toBe(true);
    expect(matches(searched, { ...all, minSeconds: "10" })).toBe(false);
    expect(matches(searched, { ...all, minScore: "1" })).toBe(false);
    expect(matches(event("a"), all)).toBe(true);
    expect(
      matches(event("a"), { ...all, camera: "front", class: "person", zone: "road", type: "entered_zone" }),
    ).toBe(true);
    expect(matches(event("a"), { ...all, zone: "gate" })).toBe(false);
    expect(matches(event("a", { track: null }), { ...all, class: "person" })).toBe(false);
  });
});

describe("event words", () => {
  it("says what happened", () => {
    expect(eventTitle(event("a"))).toBe("Person entered road");
    expect(eventTitle(event("a", { type: "crossed_line", line: "gate", direction: "left_to_right" }))).toBe(
      "Person crossed gate left to right",
    );
    expect(eventTitle(event("a", { type: "count_above", zone: "", count: 7, track: null }))).toBe(
      "Too many: 7 objects in the picture",
    );
    const over = { type: "count_below", zone: "desk", count: 2, endTime: "2026-01-01T00:00:09Z" };
    expect(eventTitle(event("a", over))).toBe("Too few objects in desk");
  });

  it("says how long", () => {
    expect(eventSpan(event("a"))).toBe("going on");
    expect(eventSpan(event("a", { phase: "once" }))).toBe("");
    expect(eventSpan(event("a", { phase: "end", endTime: "2026-01-01T10:00:04.000Z" }))).toBe("for 4\u00a0s");
  });
});
