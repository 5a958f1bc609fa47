import { expect, test } from "vitest";
import { redact } from "./redact.ts";

test.each([
  ["rtsp://admin:secret@cam/1", "rtsp://***@cam/1"],
  ["Impossible to open 'rtsp://admin:se@cret@cam/1'", "Impossible to open 'rtsp://***@cam/1'"],
  ["rtsp://token@cam and rtsps://a:secret@b", "rtsp://***@cam and rtsps://***@b"],
  ["Authorization: Basic c2VjcmV0", "Authorization: Basic ***"],
  ["nats://127.0.0.1:4222 says a@b", "nats://127.0.0.1:4222 says a@b"],
])("%s", (text, expected) => {
  expect(redact(text)).toBe(expected);
});
