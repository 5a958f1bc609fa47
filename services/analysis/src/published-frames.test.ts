import { expect, test } from "vitest";
import { PublishedFrames, publishedFramesSchema } from "./published-frames.ts";

test("knows what was published, what is late, and what is too old to be anything else", () => {
  const frames = new PublishedFrames();
  expect(frames.has("a", 1)).toBe(false);
  expect(frames.isLate("a", 1)).toBe(false);
  for (let number = 10; number <= 300; number++) if (number !== 299) frames.add("a", number);
  expect(frames.has("a", 300)).toBe(true);
  expect(frames.has("a", 299)).toBe(false);
  expect(frames.isLate("a", 299)).toBe(true);
  expect(frames.isLate("a", 301)).toBe(false);
  expect(frames.has("a", 3)).toBe(true);
  expect(frames.has("b", 3)).toBe(false);
});

test("a frame of an epoch that is over is late, whatever its number, and does not make its epoch the newest", () => {
  const frames = new PublishedFrames();
  frames.add("a", 10);
  frames.add("b", 1);
  expect(frames.isLate("a", 11)).toBe(true);
  frames.add("a", 11);
  expect(frames.isLate("b", 2)).toBe(false);
  expect(frames.isLate("c", 1)).toBe(false);
  expect(new PublishedFrames(frames.snapshot()).isLate("a", 12)).toBe(true);
});

test("is the same when stored and read again, and what is stored is bounded", () => {
  const frames = new PublishedFrames();
  for (let epoch = 0; epoch < 20; epoch++)
    for (let number = 1; number <= 300; number++) frames.add(`e${epoch}`, number);
  const stored = publishedFramesSchema.parse(JSON.parse(JSON.stringify(frames.snapshot())));
  expect(new PublishedFrames(stored).snapshot()).toEqual(frames.snapshot());
  expect(stored.map(({ epoch }) => epoch)).toEqual([12, 13, 14, 15, 16, 17, 18, 19].map((n) => `e${n}`));
});
