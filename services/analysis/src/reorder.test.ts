import fc from "fast-check";
import { expect, test } from "vitest";
import { type Ordered, ReorderBuffer, type Sequenced } from "./reorder.ts";

const frame = (number: number, previousNumber: number, stream = "front:a"): Sequenced => ({
  stream,
  number,
  previousNumber,
});
const numbers = (ordered: Ordered<Sequenced>[]) => ordered.map(({ item }) => item.number);

test("a frame in order is delivered at once, whatever the gap in numbers", () => {
  const buffer = new ReorderBuffer({ windowMs: 250, now: () => 0 });
  expect(numbers(buffer.push(frame(1, 0)))).toEqual([1]);
  expect(numbers(buffer.push(frame(9, 1)))).toEqual([9]);
  expect(buffer.nextDeadline()).toBeUndefined();
});

test("a frame that overtook another waits for it", () => {
  const buffer = new ReorderBuffer({ windowMs: 250, now: () => 0 });
  buffer.push(frame(1, 0));
  expect(buffer.push(frame(5, 3))).toEqual([]);
  expect(buffer.push(frame(7, 5))).toEqual([]);
  const released = buffer.push(frame(3, 1));
  expect(numbers(released)).toEqual([3, 5, 7]);
  expect(released.some(({ late }) => late)).toBe(false);
});

test("the window ends the wait; the missing frame is then delivered as late", () => {
  let now = 0;
  const buffer = new ReorderBuffer({ windowMs: 250, now: () => now });
  buffer.push(frame(1, 0));
  buffer.push(frame(5, 3));
  expect(buffer.nextDeadline()).toBe(250);
  now = 249;
  expect(buffer.expire()).toEqual([]);
  now = 250;
  expect(numbers(buffer.expire())).toEqual([5]);
  expect(buffer.push(frame(3, 1))).toEqual([{ item: frame(3, 1), late: true, missing: 0 }]);
});

test("streams do not wait for each other, and a forgotten one loses no frame", () => {
  const buffer = new ReorderBuffer({ windowMs: 250, maxStreams: 1, now: () => 0 });
  expect(buffer.push(frame(4, 2, "front:a"))).toEqual([]);
  expect(numbers(buffer.push(frame(1, 0, "back:b")))).toEqual([4, 1]);
});

test("what is held is bounded", () => {
  const buffer = new ReorderBuffer({ windowMs: 250, maxHeld: 2, now: () => 0 });
  buffer.push(frame(10, 9));
  buffer.push(frame(20, 19));
  expect(numbers(buffer.push(frame(30, 29)))).toEqual([10]);
  expect(buffer.heldCount).toBe(2);
});

/** Frames handed in order at given gaps, each arriving after a delay of its own; undefined delay: never. */
const journey = fc.array(
  fc.record({
    gap: fc.integer({ min: 1, max: 4 }),
    interval: fc.integer({ min: 0, max: 80 }),
    delay: fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined, freq: 8 }),
  }),
  { maxLength: 60 },
);

function replay(steps: { gap: number; interval: number; delay: number | undefined }[], windowMs: number) {
  let number = 0;
  let handedAt = 0;
  const arrivals: { at: number; frame: Sequenced }[] = [];
  for (const { gap, interval, delay } of steps) {
    const item = frame(number + gap, number);
    number = item.number;
    handedAt += interval;
    if (delay !== undefined) arrivals.push({ at: handedAt + delay, frame: item });
  }
  arrivals.sort((a, b) => a.at - b.at);
  let now = 0;
  const buffer = new ReorderBuffer<Sequenced>({ windowMs, maxHeld: 1000, now: () => now });
  const delivered: { number: number; late: boolean; waited: number }[] = [];
  const arrivedAt = new Map(arrivals.map((arrival) => [arrival.frame.number, arrival.at]));
  const take = (ordered: Ordered<Sequenced>[]) => {
    for (const { item, late } of ordered)
      delivered.push({ number: item.number, late, waited: now - arrivedAt.get(item.number)! });
  };
  const runTimersUntil = (until: number) => {
    for (
      let next = buffer.nextDeadline();
      next !== undefined && next <= until;
      next = buffer.nextDeadline()
    ) {
      now = next;
      take(buffer.expire());
    }
  };
  for (const arrival of arrivals) {
    runTimersUntil(arrival.at);
    now = arrival.at;
    take(buffer.push(arrival.frame));
  }
  runTimersUntil(Infinity);
  return { arrivals, delivered };
}

test("property: each frame that arrives is delivered once, within the window, and late exactly if overtaken", () => {
  fc.assert(
    fc.property(journey, fc.integer({ min: 0, max: 300 }), (steps, windowMs) => {
      const { arrivals, delivered } = replay(steps, windowMs);
      expect(delivered.map((d) => d.number).sort((a, b) => a - b)).toEqual(
        arrivals.map((a) => a.frame.number).sort((a, b) => a - b),
      );
      let highest = 0;
      for (const { number, late, waited } of delivered) {
        expect(waited).toBeLessThanOrEqual(windowMs);
        expect(late).toBe(number < highest);
        highest = Math.max(highest, number);
      }
    }),
  );
});

test("property: with no frame lost and a window above every delay, order is perfect", () => {
  fc.assert(
    fc.property(journey, (steps) => {
      const { delivered } = replay(
        steps.map((step) => ({ ...step, delay: step.delay ?? 0 })),
        401,
      );
      expect(delivered.every(({ late }) => !late)).toBe(true);
    }),
  );
});

test("property: frames that arrive in order are never held", () => {
  fc.assert(
    fc.property(journey, (steps) => {
      const { delivered } = replay(
        steps.map((step) => ({ ...step, delay: 0 })),
        250,
      );
      expect(delivered.every(({ waited, late }) => waited === 0 && !late)).toBe(true);
    }),
  );
});
