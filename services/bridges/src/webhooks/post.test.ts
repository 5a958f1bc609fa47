import { expect, test } from "vitest";
import { retryAfter } from "./post.ts";

const now = Date.UTC(2026, 0, 1);

test.each([
  [null, 0],
  ["7", 7],
  [" 7 ", 7],
  ["Thu, 01 Jan 2026 00:00:30 GMT", 30],
  ["Wed, 31 Dec 2025 00:00:00 GMT", 0],
  ["99999", 3600],
  ["Fri, 01 Jan 2027 00:00:00 GMT", 3600],
  ["-5", 0],
  ["soon", 0],
  ["", 0],
] as const)("Retry-After %j asks for %d s", (header, seconds) => {
  expect(retryAfter(header, now)).toBe(seconds);
});
