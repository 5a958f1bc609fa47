import { expect, test } from "vitest";
import { FrameRhythm } from "./frame-rhythm.ts";

/**
 * Plays `seconds` of a camera that sends frames at these times after each connection, and is reconnected after each stall.
 * Returns when it stalled, in seconds.
 */
function stalls(seconds: number, sends: (secondsSinceConnection: number) => boolean): number[] {
  let now = 0;
  const rhythm = new FrameRhythm(5_000, () => now);
  const found: number[] = [];
  let connectedAt = 0;
  let heardAt = 0;
  for (now = 0; now < seconds * 1000; now += 100) {
    if (now - heardAt > rhythm.limitMs) {
      found.push(now / 1000);
      rhythm.stall();
      rhythm.connect();
      connectedAt = now;
      heardAt = now;
    }
    if (!sends((now - connectedAt) / 1000)) continue;
    rhythm.arrive();
    heardAt = now;
  }
  return found;
}

const every = (interval: number) => (time: number) => time > 0 && time % interval === 0;

test("a camera that sends a frame every 20 s never stalls, from the first on", () => {
  expect(stalls(3_600, every(20))).toEqual([]);
});

test.each([60, 100])("one that sends a frame every %d s stalls a few times, and then no more", (interval) => {
  const found = stalls(7_200, every(interval));
  expect(found.length).toBeLessThanOrEqual(3);
  expect(found.at(-1)).toBeLessThan(600);
});

test("one that sends a few frames at once when it is connected, and then one every 20 s, is met too", () => {
  const found = stalls(7_200, (time) => time < 1 || every(20)(time));
  expect(found.length).toBeLessThanOrEqual(3);
  expect(found.at(-1)).toBeLessThan(60);
});

test("a quick camera that falls silent is found at once, a slow one by its own rhythm", () => {
  expect(stalls(200, (time) => time < 60)[0]).toBeCloseTo(65, 0);
  expect(stalls(400, (time) => time <= 200 && every(20)(time))[0]).toBeCloseTo(260, 0);
});

test("a camera that never sends is tried again after 30 s, then more and more rarely", () => {
  const found = stalls(600, () => false);
  expect(found[0]).toBeCloseTo(30, 0);
  expect(found.length).toBeGreaterThan(3);
});

test("an interval is forgotten after a while, and the limit has an end", () => {
  let now = 0;
  const rhythm = new FrameRhythm(5_000, () => now);
  rhythm.arrive();
  now += 250_000;
  rhythm.arrive();
  expect(rhythm.limitMs).toBe(300_000);
  for (let i = 0; i < 7_000; i++) {
    now += 100;
    rhythm.arrive();
  }
  expect(rhythm.limitMs).toBe(5_000);
});
