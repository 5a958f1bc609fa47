import { DropReason, FrameDetections } from "@sightline/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PublishedFrames } from "./published-frames.ts";
import type { RawFrame } from "./raw-frame.ts";
import { RawOrder } from "./raw-order.ts";

const event = FrameDetections.create();
const raw = (number: number, sequence: number, publishedAt = 0): RawFrame => ({
  stream: "e1",
  number,
  previousNumber: number - 1,
  sequence,
  event,
  publishedAt,
  trace: undefined,
});

/** Takes frames in their turn, and returns the numbers with the watermark after each. */
function take(order: RawOrder, frames: RawFrame[]): [number: number, taken: number][] {
  return frames.map((frame) => {
    order.take(frame);
    return [frame.number, order.taken];
  });
}

test("the watermark stays before a message whose frame waits, and passes it when the frame is taken", () => {
  const order = new RawOrder(1_000, 9, 9, []);
  expect(take(order, order.push(raw(2, 10)))).toEqual([]);
  expect(order.taken).toBe(9);
  order.skip(11);
  expect(take(order, order.push(raw(1, 12)))).toEqual([
    [1, 9],
    [2, 12],
  ]);
});

test("the wait for a missing frame is over in the stream's time, however fast the stream is read", () => {
  const order = new RawOrder(250, 0, 0, [["e1", 4]]);
  // Later than this process is old: what was stored before that needs no waiting out.
  const stored = performance.now() + 10_000;
  expect(order.push(raw(7, 1, stored))).toEqual([]);
  expect(order.held).toBe(1);
  expect(order.msToExpiry).toBeGreaterThan(200);
  expect(order.push(raw(9, 2, stored + 200))).toEqual([]);
  expect(take(order, order.push(raw(10, 3, stored + 300))).map(([number]) => number)).toEqual([7]);
});

test("a dropped frame is not waited for", () => {
  const order = new RawOrder(1_000, 0, 0, []);
  order.push(raw(2, 1));
  const notice = { epoch: "e1", number: 1, previousNumber: 0, reason: DropReason.STALE } as const;
  expect(take(order, order.dropped(notice))).toEqual([[2, 1]]);
  expect(order.msToExpiry).toBeUndefined();
});

test("property: wherever a reader ends, what it published and what its successor reads are all frames, each once", () => {
  const arrivals = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 80 }).map((delays) =>
    delays
      .map((delay, i) => ({ number: i + 1, at: i + delay }))
      .sort((a, b) => a.at - b.at)
      .map(({ number }, i) => raw(number, i + 1)),
  );
  fc.assert(
    fc.property(arrivals, fc.nat(200), (messages, crashAfter) => {
      const published: number[] = [];
      const frames = new PublishedFrames();
      let taken = 0;
      const publish = (order: RawOrder, turn: RawFrame[], until: number) => {
        for (const frame of turn) {
          if (published.length >= until) return;
          order.take(frame);
          if (frames.has("e1", frame.number)) continue;
          frames.add("e1", frame.number);
          published.push(frame.number);
          taken = order.taken;
        }
      };
      const read = (until: number) => {
        const order = new RawOrder(1e9, taken, taken, frames.highest());
        for (const message of messages.filter(({ sequence }) => sequence > order.read))
          publish(order, order.push(message), until);
      };
      read(crashAfter);
      read(Infinity);
      expect(published).toEqual(messages.map((_, i) => i + 1));
    }),
  );
});
