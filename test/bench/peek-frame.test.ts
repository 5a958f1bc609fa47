import { fromTimestamp, SubscribeDetectionsResponse } from "@sightline/contracts";
import { expect, test } from "vitest";
import { benchFrame } from "./bench-frame.ts";
import { peekFrame } from "./peek-frame.ts";

test("number and capture time of a frame are those that a decoder reads", () => {
  for (const number of [1, 2, 127, 128, 300_000]) {
    const value = benchFrame(number);
    const message = SubscribeDetectionsResponse.encode({
      event: { $case: "frame", value },
      cursor: "c",
    }).finish();
    const peeked = peekFrame(message);
    expect(peeked?.number).toBe(number);
    expect(peeked?.capturedAt).toBeCloseTo(fromTimestamp(value.frame!.captureTime!), 3);
  }
});

test("what is no frame has none", () => {
  const event = { $case: "skipped" as const, value: { count: 3 } };
  expect(peekFrame(SubscribeDetectionsResponse.encode({ event, cursor: "" }).finish())).toBeUndefined();
});
