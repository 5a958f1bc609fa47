import { expect, test } from "vitest";
import { BatchSlots } from "./batch-slots.ts";

const pixels = (value: number) => new Uint8Array(4).fill(value);

test("frames lie one behind the other, in the memory that the session sees", () => {
  const slots = new BatchSlots(2, 2, 4);
  slots.add(pixels(1));
  slots.add(pixels(2));
  const { slot, frames } = slots.take();
  expect(frames).toBe(2);
  expect([...new Uint8Array(slots.slots[slot]!.memory)]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
});

test("a slot is not written again before it is released", () => {
  const slots = new BatchSlots(2, 1, 4);
  slots.add(pixels(1));
  const first = slots.take();
  slots.add(pixels(2));
  const second = slots.take();
  expect(second.slot).not.toBe(first.slot);
  expect(slots.busy).toBe(2);
  expect(() => slots.add(pixels(3))).toThrow(RangeError);
  slots.release(first.slot);
  slots.add(pixels(3));
  expect(slots.take().slot).toBe(first.slot);
});

test("refuses a frame of another size, and an empty batch", () => {
  const slots = new BatchSlots(1, 1, 4);
  expect(() => slots.add(new Uint8Array(5))).toThrow(RangeError);
  expect(() => slots.take()).toThrow(RangeError);
});
