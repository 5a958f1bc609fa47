import { expect, test } from "vitest";
import { BatchSlots } from "./batch-slots.ts";

/** Adds a frame of 4 bytes of this value. */
function add(slots: BatchSlots<string>, item: string, value: number): void {
  slots.add(item, 4, (place, done) => {
    place.fill(value);
    done();
  });
}

test("frames lie one behind the other, in the memory that the session sees, and come back with whose they are", () => {
  const slots = new BatchSlots<string>(2, 2, 4);
  add(slots, "front", 1);
  add(slots, "yard", 2);
  const { slot, items } = slots.take();
  expect(items).toEqual(["front", "yard"]);
  expect([...new Uint8Array(slots.slots[slot]!.memory)]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
});

test("a slot is not written again before it is released", () => {
  const slots = new BatchSlots<string>(2, 1, 4);
  add(slots, "a", 1);
  const first = slots.take();
  add(slots, "b", 2);
  const second = slots.take();
  expect(second.slot).not.toBe(first.slot);
  expect(slots.busy).toBe(2);
  expect(() => add(slots, "c", 3)).toThrow(RangeError);
  slots.release(first.slot);
  add(slots, "c", 3);
  expect(slots.take()).toEqual({ slot: first.slot, items: ["c"] });
});

test("what cannot be placed leaves the batch as it was", () => {
  const slots = new BatchSlots<string>(1, 1, 4);
  expect(() => slots.take()).toThrow("holds no frame");
  expect(() => slots.add("wrong size", 5, () => undefined)).toThrow(
    "the frame has 5 bytes but should have 4",
  );
  expect(slots.busy).toBe(0);
  add(slots, "a", 1);
  expect(() => add(slots, "one too many", 2)).toThrow("full");
  const { slot, items } = slots.take();
  expect(items).toEqual(["a"]);
  expect([...new Uint8Array(slots.slots[slot]!.memory)]).toEqual([1, 1, 1, 1]);
});

test("a batch that is closed while frames are being put in place says when all are there", async () => {
  const slots = new BatchSlots<string>(2, 2, 4);
  const dones: (() => void)[] = [];
  for (const item of ["a", "b"]) slots.add(item, 4, (_place, done) => dones.push(done));
  const { items, filled } = slots.take();
  expect(items).toEqual(["a", "b"]);
  let there = false;
  const waiting = filled?.then(() => {
    there = true;
  });
  dones[1]?.();
  await new Promise(setImmediate);
  expect(there).toBe(false);
  dones[0]?.();
  await waiting;
  expect(there).toBe(true);
});
