import { expect, test } from "vitest";
import { BatchSlots } from "./batch-slots.ts";

const pixels = (value: number) => new Uint8Array(4).fill(value);

test("frames lie one behind the other, in the memory that the session sees, and come back with whose they are", () => {
  const slots = new BatchSlots<string>(2, 2, 4);
  slots.add("front", pixels(1));
  slots.add("yard", pixels(2));
  const { slot, items } = slots.take();
  expect(items).toEqual(["front", "yard"]);
  expect([...new Uint8Array(slots.slots[slot]!.memory)]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
});

test("a slot is not written again before it is released", () => {
  const slots = new BatchSlots<string>(2, 1, 4);
  slots.add("a", pixels(1));
  const first = slots.take();
  slots.add("b", pixels(2));
  const second = slots.take();
  expect(second.slot).not.toBe(first.slot);
  expect(slots.busy).toBe(2);
  expect(() => slots.add("c", pixels(3))).toThrow(RangeError);
  slots.release(first.slot);
  slots.add("c", pixels(3));
  expect(slots.take()).toEqual({ slot: first.slot, items: ["c"] });
});

test("what cannot be placed leaves the batch as it was", () => {
  const slots = new BatchSlots<string>(1, 1, 4);
  expect(() => slots.take()).toThrow("holds no frame");
  expect(() => slots.add("wrong size", new Uint8Array(5))).toThrow("5 bytes; 4 are expected");
  expect(slots.busy).toBe(0);
  slots.add("a", pixels(1));
  expect(() => slots.add("one too many", pixels(2))).toThrow("full");
  const { slot, items } = slots.take();
  expect(items).toEqual(["a"]);
  expect([...new Uint8Array(slots.slots[slot]!.memory)]).toEqual([1, 1, 1, 1]);
});
