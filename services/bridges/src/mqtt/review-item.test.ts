import { EndReason, EventPhase, EventType } from "@sightline/contracts";
import { expect, test } from "vitest";
import { type SourceEvent, sourceEvent } from "../testing/event-source.ts";
import {
  follow,
  giveUp,
  noReviews,
  type ReviewMessage,
  type ReviewState,
  readReviewState,
} from "./review-item.ts";

/** What is told of a camera's events, one after another. */
function told(
  events: [number: number, sample?: SourceEvent][],
  {
    state = noReviews,
    alertClasses = ["person"],
    endReason,
  }: { state?: ReviewState; alertClasses?: string[]; endReason?: EndReason } = {},
): { state: ReviewState; messages: ReviewMessage[] } {
  const messages: ReviewMessage[] = [];
  for (const [number, sample] of events) {
    const event = { ...sourceEvent(number, sample), ...(endReason && { endReason }) };
    const step = follow(state, event, new Set(alertClasses));
    state = step.state;
    messages.push(...step.messages);
  }
  return { state, messages };
}

const types = ({ messages }: { messages: ReviewMessage[] }) => messages.map(({ type }) => type);
const end = { phase: EventPhase.END };
const yard = { type: EventType.ENTERED_ZONE, zone: "yard" };

test("objects that are there together are one item, and who comes after a pause begins another", () => {
  const { messages } = told([
    [1],
    [2, { className: "dog" }],
    [1, { ...end, revision: 4 }],
    [2, { ...end, className: "dog", revision: 3 }],
    [3],
  ]);
  expect(messages.map(({ type, after }) => [type, after.id, after.data.detections, after.end_time])).toEqual([
    ["new", "front.e1", ["front.e1"], null],
    ["update", "front.e1", ["front.e1", "front.e2"], null],
    // The latest end, whichever was told of last.
    ["end", "front.e1", ["front.e1", "front.e2"], Date.UTC(2026, 0, 1) / 1000 + 3],
    ["new", "front.e3", ["front.e3"], null],
  ]);
  expect(messages[2]!.before).toEqual(messages[1]!.after);
});

test("a momentary event is an item of its own, or a part of what goes on", () => {
  const crossing = { type: EventType.CROSSED_LINE, phase: EventPhase.ONCE };
  expect(types(told([[1, crossing]]))).toEqual(["new", "end"]);
  expect(types(told([[1], [2, crossing], [1, end]]))).toEqual(["new", "update", "end"]);
});

test("a class that alerts, and a marked place, make an alert of a detection, and it stays one", () => {
  const dog = { className: "dog", track: 1 };
  const { messages } = told([
    [1, dog],
    [2, { ...dog, ...yard }],
    [2, { ...dog, ...yard, ...end }],
    [1, { ...dog, ...end }],
  ]);
  expect(messages.map(({ type, after }) => [type, after.severity, after.data.zones])).toEqual([
    ["new", "detection", []],
    ["update", "alert", ["yard"]],
    ["end", "alert", ["yard"]],
  ]);
  expect(told([[1]]).messages[0]!.after.severity).toBe("alert");
  expect(told([[1]], { alertClasses: [] }).messages[0]!.after.severity).toBe("detection");
});

test("a better view of an object is no news; another zone in which it is, is", () => {
  const better = { phase: EventPhase.UPDATE, revision: 2 };
  expect(types(told([[1], [1, better]]))).toEqual(["new"]);
  expect(types(told([[1], [1, { ...better, zone: "yard" }]]))).toEqual(["new", "update"]);
});

test("messages that come again change nothing, after the end of the item neither", () => {
  const open = told([[1], [2]]);
  expect(told([[1], [2]], { state: open.state }).state).toBe(open.state);
  const over = told(
    [
      [1, end],
      [2, end],
    ],
    { state: open.state },
  );
  const again = told([[1], [2], [1, end], [2, end]], { state: over.state });
  expect(again).toEqual({ state: over.state, messages: [] });
});

test("an end whose beginning was never told of is told with it", () => {
  expect(types(told([[1, end]]))).toEqual(["new", "end"]);
  // But for what ended with its camera: nothing is known of that any more.
  expect(told([[1, end]], { endReason: EndReason.CAMERA_REMOVED }).messages).toEqual([]);
});

test("that an object leaves belongs to the item of which it was a part, even when it is told of after the end", () => {
  const left = { type: EventType.LEFT, phase: EventPhase.ONCE, track: 1 };
  expect(types(told([[1], [1, end], [2, left]]))).toEqual(["new", "end"]);
  expect(types(told([[2, left]]))).toEqual(["new", "end"]);
});

test("what is about no object is no part of an item", () => {
  expect(told([[1, { type: EventType.COUNT_ABOVE, track: null }]])).toEqual({
    state: noReviews,
    messages: [],
  });
});

test("events of which no end will come are given up, and with the last of them the item", () => {
  const { state } = told([[1], [2]]);
  const first = giveUp(state, (id) => id === "front.e1", 0);
  expect(first.messages).toEqual([]);
  const second = giveUp(first.state, () => true, 1_800_000_000);
  expect(second.messages).toMatchObject([
    { type: "end", after: { id: "front.e1", end_time: 1_800_000_000 } },
  ]);
  expect(giveUp(second.state, () => true, 0)).toEqual({ state: second.state, messages: [] });
  expect(
    told(
      [
        [1, end],
        [2, end],
      ],
      { state: second.state },
    ).messages,
  ).toEqual([]);
});

test("where there is never a pause, an item lists what goes on and the hundred events or so that came last", () => {
  const events = Array.from({ length: 1000 }, (_, index) => [
    [index + 2] as [number],
    [index + 2, end] as [number, SourceEvent],
  ]);
  const { messages, state } = told([[1], ...events.flat()]);
  const { detections } = messages.at(-1)!.after.data;
  expect(detections).toHaveLength(100);
  expect([detections[0], detections.at(-1)]).toEqual(["front.e1", "front.e1001"]);
  expect(JSON.stringify(state).length).toBeLessThan(10_000);
});

test("a state is read as it was written; what is none is nothing", () => {
  const { state } = told([[1], [2, { phase: EventPhase.ONCE }]]);
  expect(readReviewState(Buffer.from(JSON.stringify(state)))).toEqual(state);
  for (const text of ["", "{", "[]", '{"version": 1}'])
    expect(readReviewState(Buffer.from(text))).toBeUndefined();
});
