import type { HttpEvent } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import { countCsv, countRows } from "./count-rows.ts";
import { matches, mergeEvents, withReview } from "./event-feed.ts";
import { eventFacts, eventSpan, eventTitle, trackTitle } from "./event-words.ts";
import { neighboursIn } from "./neighbours.ts";
import { bestPictured, gatherTracks, wholeSpan } from "./track-cards.ts";

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

  it("shows who has reviewed an event, and who has taken that back", () => {
    const review = { user: "ann", time: "2026-01-01T10:00:00.000Z" };
    const marked = withReview([event("a"), event("b")], { camera: "front", id: "b", review });
    expect(marked.map((one) => one.review)).toEqual([undefined, review]);
    const all = { camera: "", type: "", class: "", zone: "" };
    expect(marked.filter((one) => matches(one, { ...all, reviewed: "false" }))).toEqual([event("a")]);
    expect(marked.filter((one) => matches(one, { ...all, reviewed: "true" }))).toEqual([marked[1]]);
    expect(withReview(marked, { camera: "front", id: "b", review: null })).toEqual([event("a"), event("b")]);
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
    const [before, start, after] = ["2026-03-01T07:59:59Z", "2026-03-01T08:00:00Z", "2026-03-01T08:00:01Z"];
    expect(matches(searched, { ...all, from: start, to: after })).toBe(true);
    expect(matches(searched, { ...all, from: after })).toBe(false);
    expect(matches(searched, { ...all, from: before, to: start })).toBe(false);
    expect(matches(event("a"), all)).toBe(true);
    expect(
      matches(event("a"), { ...all, camera: "front", class: "person", zone: "road", type: "entered_zone" }),
    ).toBe(true);
    expect(matches(event("a"), { ...all, zone: "gate" })).toBe(false);
    const red = event("a", {
      track: { ...event("a").track!, attributes: { colour: { value: "red", score: 0.8 } } },
    });
    expect(matches(red, { ...all, attribute: "colour=red" })).toBe(true);
    expect(matches(red, { ...all, attribute: "colour=blue" })).toBe(false);
    expect(matches(event("a"), { ...all, attribute: "colour=red" })).toBe(false);
    expect(matches(event("a", { track: null }), { ...all, class: "person" })).toBe(false);
  });
});

describe("what one track did", () => {
  const at = (seconds: number) => `2026-01-01T10:00:0${seconds}.000Z`;
  const left = event("d", { type: "left", phase: "once", startTime: at(4), zone: "" });
  const crossed = event("c", {
    type: "crossed_line",
    phase: "once",
    line: "kerb",
    startTime: at(2),
    hasSnapshot: true,
    snapshotScore: 0.9,
  });
  const entered = event("b", {
    phase: "end",
    startTime: at(1),
    endTime: at(3),
    hasSnapshot: true,
    snapshotScore: 0.8,
  });
  const other = event("x", { camera: "back", startTime: at(1) });
  const count = event("n", { type: "count_above", track: null, startTime: at(0) });

  it("is one card, where its newest event is", () => {
    expect(gatherTracks([left, crossed, other, entered, count]).map(({ events }) => events)).toEqual([
      [left, crossed, entered],
      [other],
      [count],
    ]);
  });

  it("has one line, one span and one picture", () => {
    const events = [left, crossed, entered, event("a", { startTime: at(0), phase: "end", endTime: at(1) })];
    expect(trackTitle(events)).toBe("Person entered road, crossed kerb, left");
    expect(wholeSpan(events)).toEqual({ startTime: at(0), endTime: at(4) });
    expect(wholeSpan([left, event("a")]).endTime).toBeNull();
    expect(bestPictured(events)).toBe(crossed);
    expect(bestPictured([left])).toBe(left);
  });
});

describe("counts", () => {
  const hour = (at: string, events: number) => ({ hour: `2026-01-01T${at}:00:00.000Z`, events, seconds: 2 });

  it("of hours are in their order, also of hours without events", () => {
    const [from, to] = [Date.parse("2026-01-01T08:30:00Z"), Date.parse("2026-01-01T11:30:00Z")];
    const rows = countRows([hour("10", 5), hour("08", 3)], "hour", from, to);
    expect(rows.map(({ events, seconds }) => [events, seconds])).toEqual([
      [3, 2],
      [0, 0],
      [5, 2],
      [0, 0],
    ]);
  });

  it("of lines have their direction, the most first, and none of what crossed no line", () => {
    const counts = [
      { line: "", direction: "", events: 9, seconds: 1 },
      { line: 'a "gate"', direction: "left_to_right", events: 1, seconds: 0 },
      { line: "kerb", direction: "right_to_left", events: 2, seconds: 0 },
    ];
    expect(countCsv(countRows(counts, "line", 0, 1), "line")).toBe(
      'line,events,seconds\r\nkerb right to left,2,0\r\n"a ""gate"" left to right",1,0\r\n',
    );
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
