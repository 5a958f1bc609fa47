import { Event, EventPhase } from "@sightline/contracts";
import { EventFilter } from "@sightline/contracts/api";
import { expect, test } from "vitest";
import { passesFilter, passesIgnoringPhase, readEventFilter } from "./event-format.ts";

const filterOf = (filter: Parameters<typeof EventFilter.fromPartial>[0]) =>
  readEventFilter(EventFilter.fromPartial(filter));
const eventWith = (known: Record<string, string>, phase: EventPhase = EventPhase.START) =>
  Event.fromPartial({
    ...{ name: "cameras/gate/events/a-e1", phase },
    track: {
      className: "person",
      attributes: Object.entries(known).map(([name, value]) => ({ name, value, score: 0.9 })),
    },
  });

test("an event passes by attributes when its object meets all of them", () => {
  const red = filterOf({ attributes: [{ name: "colour", values: ["red", "blue"] }] });
  expect(passesFilter(red, eventWith({ colour: "red" }))).toBe(true);
  expect(passesFilter(red, eventWith({ colour: "green" }))).toBe(false);
  expect(passesFilter(red, eventWith({}))).toBe(false);
  expect(passesFilter(red, Event.fromPartial({ name: "cameras/gate/events/a-e2" }))).toBe(false);
  // One may become known later, so history does not leave out an event by how it began.
  expect(passesIgnoringPhase(red, eventWith({}))).toBe(true);
  const both = filterOf({
    attributes: [
      { name: "colour", values: ["red"] },
      { name: "helmet", values: ["none"] },
    ],
  });
  expect(passesFilter(both, eventWith({ colour: "red" }))).toBe(false);
  expect(passesFilter(both, eventWith({ helmet: "none", colour: "red" }))).toBe(true);
  expect(both.key).not.toBe(red.key);
});

test("what is no attribute filter is refused", () => {
  const refused = (...attributes: { name: string; values: string[] }[]) =>
    expect(() => filterOf({ attributes }));
  refused({ name: "colour", values: [] }).toThrow("attributes.colour has no values");
  refused({ name: "", values: ["red"] }).toThrow("attributes has a name that is empty");
  refused({ name: "c", values: ["red"] }, { name: "c", values: ["blue"] }).toThrow(
    "attributes.c is there twice",
  );
});
