import { expect, test } from "vitest";
import { FrameBuffers } from "./frame-buffers.ts";

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
