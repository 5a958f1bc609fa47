import fc from "fast-check";
import { expect, test } from "vitest";
import { FeedEntry } from "./feed-format.ts";
import { FeedRing } from "./feed-ring.ts";

const identity = Buffer.alloc(8);
const entry = (sequence: number, bytes = 10) =>
  new FeedEntry(identity, { sequence, time: 0n }, "message", bytes);

test("property: after any position that is covered, the first message that followed it is found", () => {
  // Steps between sequences: now and then messages were removed from the stream.
  const steps = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 5 })), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 100 }), fc.nat({ max: 50 }), (steps, maxMessages, begin) => {
      const ring = new FeedRing<string>({ maxMessages, maxBytes: 1e9 });
      ring.clear(begin);
      const sequences: number[] = [];
      let last = begin;
      for (const step of steps) {
        last += step;
        sequences.push(last);
        ring.push(entry(last));
      }
      expect(ring.size).toBe(Math.min(maxMessages, steps.length));
      expect(ring.floor).toBe(sequences.at(-maxMessages - 1) ?? begin);
      for (let position = ring.floor; position <= last; position++)
        expect(ring.after(position)?.sequence).toBe(sequences.find((sequence) => sequence > position));
    }),
  );
});

test("bytes bound it too, those that entries grow by included", () => {
  const size = entry(1).bytes;
  const ring = new FeedRing<string>({ maxMessages: 100, maxBytes: 3 * size });
  for (const sequence of [1, 2, 3, 4]) ring.push(entry(sequence));
  expect([ring.size, ring.floor]).toEqual([3, 1]);
  ring.charge(size);
  expect([ring.size, ring.floor]).toEqual([2, 2]);
  ring.push(entry(5, 1_000));
  expect([ring.size, ring.floor, ring.after(5)]).toEqual([0, 5, undefined]);
});

test("cleared, it begins anew", () => {
  const ring = new FeedRing<string>({ maxMessages: 10, maxBytes: 1e6 });
  for (const sequence of [101, 102]) ring.push(entry(sequence));
  ring.clear(7);
  expect([ring.size, ring.floor, ring.after(7)]).toEqual([0, 7, undefined]);
  ring.push(entry(8));
  expect(ring.after(7)?.sequence).toBe(8);
});
