import { expect, test } from "vitest";
import { toHttpEvent } from "./event-json.ts";
import { EndReason, Event, EventPhase, EventType } from "./gen/sightline/v1/event.ts";
import { enumName, enumValue } from "./proto-values.ts";
import { parseEventName } from "./resource-names.ts";

test("an event in JSON has the names of its enums, ISO times, and floats as they were given", () => {
  const event = Event.fromPartial({
    name: "cameras/front/events/replay-e1",
    type: EventType.ENTERED_ZONE,
    phase: EventPhase.END,
    revision: 2,
    zone: "road",
    track: { id: "replay-1", className: "person", bestScore: Math.fround(0.9), normalizedBox: { xMin: 0.5 } },
    startTime: { seconds: 1, nanos: 500_000_000 },
    endTime: { seconds: 2, nanos: 0 },
    endReason: EndReason.TRACK_LOST,
    snapshotFrame: { epoch: "a", number: 7 },
    snapshotScore: Math.fround(0.83),
    hasClip: true,
  });
  expect(toHttpEvent(event)).toMatchObject({
    camera: "front",
    id: "replay-e1",
    type: "entered_zone",
    phase: "end",
    zone: "road",
    direction: "",
    startTime: "1970-01-01T00:00:01.500Z",
    endTime: "1970-01-01T00:00:02.000Z",
    endReason: "track_lost",
    hasSnapshot: true,
    hasClip: true,
    snapshotScore: 0.83,
    track: { id: "replay-1", bestScore: 0.9, box: [0.5, 0, 0, 0] },
  });
});

test.each([
  "",
  "cameras/front",
  "cameras/Front/events/a",
  "cameras/front/events/",
  "cameras/front/events/a.b",
])("'%s' is no event's name", (name) => expect(parseEventName(name)).toBeUndefined());

test("enum names go there and back; what is no name has no value", () => {
  expect(enumValue(EventType, enumName(EventType, EventType.COUNT_ABOVE))).toBe(EventType.COUNT_ABOVE);
  for (const name of ["", "unspecified", "constructor", "entered zone"])
    expect(enumValue(EventType, name)).toBeUndefined();
});
