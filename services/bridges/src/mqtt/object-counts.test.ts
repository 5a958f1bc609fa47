import { EventPhase, EventType } from "@sightline/contracts";
import { expect, test } from "vitest";
import { type SourceEvent, sourceEvent } from "../testing/event-source.ts";
import { ObjectCounts } from "./object-counts.ts";

function counted(counts: ObjectCounts): Record<string, number> {
  return Object.fromEntries(counts.all().map(({ place, label, count }) => [`${place} ${label}`, count]));
}

function after(...events: [number: number, sample?: SourceEvent][]): ObjectCounts {
  const counts = new ObjectCounts();
  for (const [number, sample] of events) counts.apply(sourceEvent(number, sample));
  return counts;
}

const yard = { type: EventType.ENTERED_ZONE, zone: "yard" };
const end = { phase: EventPhase.END };

test("an object with several events is counted once in each place", () => {
  const counts = after([1, { track: 7 }], [2, { track: 7, ...yard }], [3, { track: 8, className: "car" }]);
  expect(counted(counts)).toEqual({
    "front person": 1,
    "front car": 1,
    "front all": 2,
    "yard person": 1,
    "yard all": 1,
  });
});

test("a zone of several cameras counts the objects of all of them, whose tracks may be called the same", () => {
  const counts = after([1, { track: 7, ...yard }], [2, { track: 7, ...yard, camera: "back" }]);
  expect(counted(counts)).toMatchObject({ "yard person": 2, "front person": 1, "back person": 1 });
});

test("what does not last, and what is about no object, is not counted", () => {
  const counts = after(
    [1, { type: EventType.CROSSED_LINE, phase: EventPhase.ONCE }],
    [2, { type: EventType.COUNT_ABOVE, track: null }],
  );
  expect(counts.all()).toEqual([]);
});

test("the end of an event that was never heard of says that there is none", () => {
  const changed = new ObjectCounts().apply(sourceEvent(1, end));
  expect(changed.map(({ label, count }) => [label, count])).toEqual([
    ["person", 0],
    ["all", 0],
  ]);
});

test("a recount takes what is open, and what happens while it is made", async () => {
  const counts = after([1], [2]);
  await counts.recount(async () => {
    counts.apply(sourceEvent(3, end));
    counts.apply(sourceEvent(4));
    return [sourceEvent(2), sourceEvent(3)];
  });
  expect(counted(counts)).toMatchObject({ "front person": 2 });
  await expect(counts.recount(() => Promise.reject(new RangeError("no list")))).rejects.toThrow(RangeError);
  expect(counted(counts)).toMatchObject({ "front person": 2 });
});

test("a camera that is removed counts no more, in its zones neither", () => {
  const counts = after([1, { ...yard }], [2, { ...yard, camera: "back" }]);
  const left = counts.forget("front").filter(({ kind }) => kind === "zone");
  expect(left.map(({ label, count }) => [label, count])).toEqual([
    ["person", 1],
    ["all", 1],
  ]);
  expect(counted(counts)).toEqual({ "yard person": 1, "yard all": 1, "back person": 1, "back all": 1 });
});
