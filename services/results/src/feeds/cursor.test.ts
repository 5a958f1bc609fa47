import { randomBytes } from "node:crypto";
import { unknownTime } from "@sightline/service";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CursorKind,
  decodeCursor,
  encodeCursor,
  type StreamIdentity,
  streamIdentity,
} from "./cursor.ts";

const identity = streamIdentity("TIMELINE", "2026-01-02T03:04:05.123456789Z");
const isOurs = (its: StreamIdentity) => its.equals(identity);
const kind = fc.constantFrom<CursorKind>("detections", "events");
const place = fc.record({ sequence: fc.maxSafeNat(), time: fc.bigInt({ min: 0n, max: 2n ** 63n }) });

const corrupt = expect.objectContaining({ code: "cursor_corrupt" });
const foreign = expect.objectContaining({ code: "cursor_foreign" });

test("property: what is encoded is decoded", () => {
  fc.assert(
    fc.property(kind, place, (kind, place) => {
      expect(decodeCursor(kind, isOurs, encodeCursor(kind, identity, place))).toEqual({ identity, place });
    }),
  );
});

test("property: a cursor with any character changed, cut off or added is corrupt", () => {
  const change = fc.record({
    at: fc.nat({ max: 28 }),
    remove: fc.nat({ max: 3 }),
    add: fc.stringMatching(/^[A-Za-z0-9_-]{0,3}$/),
  });
  fc.assert(
    fc.property(kind, place, change, (kind, place, { at, remove, add }) => {
      const cursor = encodeCursor(kind, identity, place);
      const changed = cursor.slice(0, at) + add + cursor.slice(at + remove);
      fc.pre(changed !== cursor);
      expect(() => decodeCursor(kind, isOurs, changed)).toThrow(corrupt);
    }),
  );
});

test("a cursor of the older form, without a time, is read", () => {
  const older = "AQAqhnwa2NehBAAAAAAAAAAq9WM5Pw";
  expect(decodeCursor("detections", isOurs, older)).toEqual({
    identity,
    place: { sequence: 42, time: unknownTime },
  });
});

test("property: text that is no cursor is corrupt", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 100 }), (text) => {
      expect(() => decodeCursor("events", isOurs, text)).toThrow(corrupt);
    }),
  );
});

describe("a sound cursor is foreign", () => {
  test("when it is of the other kind, and the message says which", () => {
    const cursor = encodeCursor("events", identity, { sequence: 7, time: 7n });
    expect(() => decodeCursor("detections", isOurs, cursor)).toThrow(foreign);
    expect(() => decodeCursor("detections", isOurs, cursor)).toThrow(/one of events/);
  });

  test("property: when its stream is another", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), place, (name, created, place) => {
        const other = streamIdentity(name, created);
        fc.pre(!other.equals(identity));
        expect(() => decodeCursor("events", isOurs, encodeCursor("events", other, place))).toThrow(foreign);
      }),
    );
  });
});

test("streams of the same name that were made at other times differ", () => {
  const made = Array.from({ length: 50 }, () => streamIdentity("EVENTS", randomBytes(8).toString("hex")));
  expect(new Set(made.map((each) => each.toString("hex"))).size).toBe(50);
});
