import { expect, it } from "vitest";
import { RequestQueue, type RowData, suffices } from "./row-data.ts";

const row = (part: Partial<RowData> = {}): RowData => ({
  ...{ window: { fromMs: 1_000, toMs: 9_000 }, recorded: [], events: [], counted: [] },
  ...part,
});

it("what a row knows will do for a part of the same time, but not for another", () => {
  expect(suffices(row(), { fromMs: 2_000, toMs: 3_000 })).toBe(true);
  expect(suffices(row(), { fromMs: 0, toMs: 3_000 })).toBe(false);
  expect(suffices(row(), { fromMs: 5_000, toMs: 9_001 })).toBe(false);
  expect(suffices(undefined, { fromMs: 2_000, toMs: 3_000 })).toBe(false);
});

it("events that were counted only are asked for again when somebody looks closer", () => {
  const counted = row({ counted: [{ fromMs: 1_000, toMs: 9_000, events: 1_000 }] });
  expect(suffices(counted, { fromMs: 1_000, toMs: 9_000 })).toBe(true);
  expect(suffices(counted, { fromMs: 2_000, toMs: 5_000 })).toBe(false);
});

it("requests are made a few at a time, in their order, without those that are not wanted any more", async () => {
  const queue = new RequestQueue(2);
  const [unwanted, wanted] = [new AbortController(), new AbortController().signal];
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const task = (number: number, signal = wanted) =>
    queue
      .run(() => {
        begun.push(number);
        return new Promise<void>((resolve) => ends.push(resolve));
      }, signal)
      .catch(() => "not wanted");
  const tasks = [task(1), task(2), task(3, unwanted.signal), task(4), task(5)];
  expect(begun).toEqual([1, 2]);
  unwanted.abort();
  ends[0]!();
  await tasks[0];
  expect(await tasks[2]).toBe("not wanted");
  await expect.poll(() => begun).toEqual([1, 2, 4]);
  ends[1]!();
  await expect.poll(() => begun).toEqual([1, 2, 4, 5]);
  for (const end of ends) end();
  await Promise.all(tasks);
});
