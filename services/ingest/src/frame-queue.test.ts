import { DropReason, frameMessageBytes, PixelFormat, toTimestamp } from "@sightline/contracts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FrameBuffers } from "./frame-buffers.ts";
import { FrameQueue, type WaitingFrame } from "./frame-queue.ts";
import { Ledger } from "./ledger.ts";
import type { CameraTurns, TokenPace } from "./shares/share-plan.ts";

function setUp(turns?: CameraTurns) {
  const ledger = new Ledger();
  const offered: number[] = [];
  const buffers = new FrameBuffers(frameMessageBytes(4, 4));
  const queue = new FrameQueue(ledger, (token) => offered.push(token), turns);
  const put = () => queue.put(frame(ledger.capture(), buffers));
  return { ledger, offered, queue, put, buffers };
}

function frame(number: number, buffers: FrameBuffers): WaitingFrame {
  const metadata = {
    camera: "cameras/c",
    epoch: "e",
    number,
    cameraCreateTime: undefined,
    captureTime: toTimestamp(Date.now()),
    ptsUs: 0,
    sourceWidth: 4,
    sourceHeight: 4,
    width: 4,
    height: 4,
    pixelFormat: PixelFormat.GBRP,
    letterbox: { left: 0, top: 0, width: 4, height: 4 },
    decodeUs: 0,
  };
  return { metadata, message: buffers.take(), buffers, arrivedAt: 0, readyAt: performance.now() };
}

function taken(queue: FrameQueue, token: number) {
  return queue.take(token)?.header;
}

test("one token is out however many frames come, and brings the newest", () => {
  const { ledger, offered, queue, put } = setUp();
  for (let i = 0; i < 3; i++) put();
  expect(offered).toEqual([1]);
  expect(ledger.dropped(DropReason.SUPERSEDED)).toBe(2);
  expect(taken(queue, 1)).toMatchObject({ number: 3, previousNumber: 0 });
  expect(ledger.inFlight).toBe(1);
});

test("each frame names the one handed out before it", () => {
  const { queue, put } = setUp();
  put();
  taken(queue, 1);
  put();
  put();
  expect(taken(queue, 2)).toMatchObject({ number: 3, previousNumber: 1 });
});

test("a token is good once; an old or unknown one is void and changes nothing", () => {
  const { offered, queue, put } = setUp();
  put();
  expect(queue.take(7)).toBeUndefined();
  expect(queue.take(1)).toBeDefined();
  put();
  expect(queue.take(1)).toBeUndefined();
  expect(offered).toEqual([1, 2]);
  expect(queue.take(2)).toBeDefined();
});

test("a lost token is replaced, and the lost one is void from then on", () => {
  const { offered, queue, put } = setUp();
  put();
  queue.tokenLost(1);
  expect(offered).toEqual([1, 2]);
  queue.tokenLost(1);
  expect(offered).toEqual([1, 2]);
  expect(queue.take(1)).toBeUndefined();
  expect(queue.take(2)).toBeDefined();
});

test("a token that a worker does not use is made up for, and is good all the same when that worker goes on", () => {
  const { offered, queue, put } = setUp();
  put();
  queue.tokenUnused(1);
  expect(offered).toEqual([1, 2]);
  expect(taken(queue, 2)).toMatchObject({ number: 1 });
  put();
  // The one that is with the worker still does not keep the next from being offered.
  expect(offered).toEqual([1, 2, 3]);
  expect(taken(queue, 1)).toMatchObject({ number: 2, previousNumber: 1 });
  expect(taken(queue, 3)).toBeUndefined();
  put();
  expect(queue.take(1)).toBeUndefined();
});

test("clearing drops the frame that waits and voids its token; the next frame gets a new one", () => {
  const { ledger, offered, queue, put } = setUp();
  put();
  queue.clear();
  expect(ledger.dropped(DropReason.CAMERA_STOPPED)).toBe(1);
  expect(queue.take(1)).toBeUndefined();
  put();
  expect(offered).toEqual([1, 2]);
});

test("a superseded frame's buffer is used again", () => {
  const { put, buffers } = setUp();
  put();
  put();
  const again = buffers.take();
  buffers.give(again);
  expect(buffers.take()).toBe(again);
});

describe("where cameras have shares of their own", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A camera that sends a frame each 100 ms for so long; each token is taken when it is so old. */
  function run(pace: TokenPace, durationMs: number) {
    const turns = { pace: () => pace, waited: () => {}, arrived: () => {} };
    const { offered, queue, put } = setUp(turns);
    const outcome = { taken: 0, void: 0, most: 0 };
    let seen = 0;
    for (let now = 0; now < durationMs; now += 10) {
      if (now % 100 === 0) put();
      for (; seen < offered.length; seen++) {
        const token = offered[seen]!;
        setTimeout(() => (queue.take(token) ? outcome.taken++ : outcome.void++), pace.waitMs);
      }
      vi.advanceTimersByTime(10);
      outcome.most = Math.max(outcome.most, offered.length - outcome.taken - outcome.void);
    }
    queue.clear();
    return outcome;
  }

  test("a camera gets a token each time that its interval says, exact on average", () => {
    const { taken, void: empty } = run({ intervalMs: 330, most: 2, waitMs: 50 }, 33_000);
    expect(taken).toBeGreaterThanOrEqual(98);
    expect(taken).toBeLessThanOrEqual(101);
    expect(empty).toBe(0);
  });

  test("several of its tokens wait where the queue is long, each for a frame of its own", () => {
    const { taken, most } = run({ intervalMs: 200, most: 9, waitMs: 1_000 }, 30_000);
    // Those that wait at the end are not taken yet.
    expect(taken).toBeGreaterThanOrEqual(143);
    expect(taken).toBeLessThanOrEqual(146);
    expect(most).toBe(5);
  });

  test("no more tokens wait than there are frames for, whatever the interval", () => {
    const { taken, void: empty } = run({ intervalMs: 1, most: 20, waitMs: 20 }, 10_000);
    expect(taken).toBe(100);
    expect(empty).toBe(0);
  });
});

test("a buffer that several read is free only when the last has given it back", () => {
  const buffers = new FrameBuffers(8);
  const buffer = buffers.take();
  buffers.share(buffer);
  buffers.share(buffer);
  buffers.give(buffer);
  buffers.give(buffer);
  expect(buffers.take()).not.toBe(buffer);
  buffers.give(buffer);
  expect(buffers.take()).toBe(buffer);
});

test("a buffer that was shared once is an ordinary one the next time", () => {
  const buffers = new FrameBuffers(8);
  const buffer = buffers.take();
  buffers.share(buffer);
  buffers.give(buffer);
  buffers.give(buffer);
  expect(buffers.take()).toBe(buffer);
  buffers.give(buffer);
  expect(buffers.take()).toBe(buffer);
});
