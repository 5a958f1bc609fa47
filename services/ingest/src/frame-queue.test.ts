import { DropReason, frameMessageBytes, PixelFormat, toTimestamp } from "@sightline/contracts";
import { expect, test } from "vitest";
import { FrameBuffers } from "./frame-buffers.ts";
import { FrameQueue, type WaitingFrame } from "./frame-queue.ts";
import { Ledger } from "./ledger.ts";

function setUp() {
  const ledger = new Ledger();
  const offered: number[] = [];
  const buffers = new FrameBuffers(frameMessageBytes(4, 4));
  const queue = new FrameQueue(ledger, (token) => offered.push(token));
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
