import { PixelFormat } from "@sightline/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FrameBuffers } from "../frame-buffers.ts";
import { FrameMemory, type KeptFrame, RecentFrames } from "./frame-memory.ts";

const frameBytes = 100;
const buffers = new FrameBuffers(frameBytes);

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

function frame(number: number): KeptFrame {
  const metadata = {
    camera: "cameras/front",
    epoch: "e",
    number,
    cameraCreateTime: undefined,
    captureTime: undefined,
    ptsUs: 0,
    sourceWidth: 1,
    sourceHeight: 1,
    width: 1,
    height: 1,
    pixelFormat: PixelFormat.GBRP,
    letterbox: undefined,
    decodeUs: 0,
  };
  return { metadata, message: new Uint8Array(frameBytes), buffers, arrivedAt: 0 };
}

function memory(limits: Partial<FrameMemory["limits"]> = {}): FrameMemory {
  return new FrameMemory({ maxAgeMs: 2_000, cameraBytes: 10_000, processBytes: 100_000, ...limits });
}

const numbersIn = (frames: RecentFrames, upTo: number) =>
  Array.from({ length: upTo }, (_, i) => i + 1).filter((number) => frames.find(number));

test("a frame is found by its number until it is old, the newest without one and for as long as it is the newest", () => {
  const frames = new RecentFrames(memory());
  expect(frames.find()).toBeUndefined();
  for (const number of [1, 2, 3]) {
    frames.add(frame(number));
    vi.advanceTimersByTime(900);
  }
  expect(numbersIn(frames, 9)).toEqual([1, 2, 3]);
  expect(frames.find()?.metadata.number).toBe(3);
  vi.advanceTimersByTime(60_000);
  expect(frames.find()?.metadata.number).toBe(3);
  frames.add(frame(4));
  expect(numbersIn(frames, 9)).toEqual([4]);
});

test("a camera keeps no more bytes than its share, but its newest frame whatever its size", () => {
  const kept = memory({ cameraBytes: 250 });
  const frames = new RecentFrames(kept);
  for (const number of [1, 2, 3, 4]) frames.add(frame(number));
  expect(numbersIn(frames, 9)).toEqual([3, 4]);
  expect(kept.bytes).toBe(200);
  const poor = new RecentFrames(memory({ cameraBytes: 0 }));
  for (const number of [1, 2]) poor.add(frame(number));
  expect(numbersIn(poor, 9)).toEqual([2]);
});

test("all cameras together keep no more than the process may; the oldest go first, the newest of each camera stays", () => {
  const kept = memory({ processBytes: 400 });
  const [slow, quick] = [new RecentFrames(kept), new RecentFrames(kept)];
  slow.add(frame(1));
  for (const number of [1, 2, 3, 4, 5, 6]) quick.add(frame(number));
  expect(kept.bytes).toBe(400);
  expect(numbersIn(slow, 9)).toEqual([1]);
  expect(numbersIn(quick, 9)).toEqual([4, 5, 6]);
  slow.clear();
  quick.clear();
  expect(kept.bytes).toBe(0);
});

test("a frame's buffer is free when the memory and the worker are both done with it", () => {
  const pool = new FrameBuffers(frameBytes);
  const frames = new RecentFrames(memory());
  const inferred = { ...frame(1), message: pool.take(), buffers: pool };
  frames.add(inferred);
  pool.give(inferred.message);
  const lost = { ...frame(2), message: pool.take(), buffers: pool };
  expect(lost.message).not.toBe(inferred.message);
  frames.add(lost);
  frames.clear();
  expect(pool.take()).toBe(inferred.message);
  // Nobody has said that it was read: it is not given out again.
  expect(pool.take()).not.toBe(lost.message);
});
