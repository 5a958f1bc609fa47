import { Event, EventPhase, toTimestamp } from "@sightline/contracts";
import { ListEventsRequest } from "@sightline/contracts/api";
import { expect, test } from "vitest";
import { passesSearch, readEventSearch } from "./event-search.ts";

const now = Date.parse("2026-03-01T08:01:00Z");
const gone = Event.fromPartial({
  name: "cameras/front/events/mwvg-e12",
  phase: EventPhase.END,
  zone: "Loading bay",
  message: "person 7 was in zone Loading bay",
  track: { id: "7", className: "person", score: 0.4, bestScore: 0.9 },
  startTime: toTimestamp(now - 30_000),
  endTime: toTimestamp(now - 20_000),
});
const found = (request: Partial<ListEventsRequest>, event: Partial<Event> = {}) =>
  passesSearch(readEventSearch(ListEventsRequest.fromPartial(request)), { ...gone, ...event }, now);

test.each<[Partial<ListEventsRequest>, Partial<Event>, boolean]>([
  [{}, {}, true],
  [{ minScore: 0.9 }, {}, true],
  [{ minScore: 0.91 }, {}, false],
  [{ minScore: 0.1 }, { track: undefined }, false],
  [{ minScore: 0.95 }, { snapshotScore: 0.96 }, true],
  [{ minDurationSeconds: 10 }, {}, true],
  [{ minDurationSeconds: 10.1 }, {}, false],
  [{ minDurationSeconds: 30 }, { endTime: undefined, phase: EventPhase.UPDATE }, true],
  [{ minDurationSeconds: 31 }, { endTime: undefined, phase: EventPhase.UPDATE }, false],
  [{ minDurationSeconds: 0.1 }, { phase: EventPhase.ONCE }, false],
  [{ text: "BAY  loading" }, {}, true],
  [{ text: "front/mwvg-e12" }, {}, true],
  [{ text: "person roof" }, {}, false],
  [{ reviewed: false }, {}, true],
  [{ reviewed: true }, {}, false],
  [{ reviewed: true }, { review: { user: "ann", time: undefined } }, true],
  [{ reviewed: false }, { review: { user: "ann", time: undefined } }, false],
])("%j of %j: %s", (request, event, expected) => {
  expect(found(request, event)).toBe(expected);
});

test.each([
  { minScore: 1.5 },
  { minScore: Number.NaN },
  { minDurationSeconds: -1 },
  { text: "x".repeat(201) },
])("refuses %j", (request) => {
  expect(() => found(request)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
});
