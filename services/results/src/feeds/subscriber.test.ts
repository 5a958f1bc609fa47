import { SubscribeDetectionsResponse } from "@sightline/contracts/api";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Subscriber, type SubscriberLimits } from "./subscriber.ts";

/** A connection that takes `room` messages before it asks to wait. */
function slowConnection(limits: SubscriberLimits) {
  const written: (number | { skipped: number })[] = [];
  const counted = { delivered: 0, skipped: 0 };
  let room = 0;
  const subscriber = new Subscriber(
    {
      write(message) {
        written.push(readBack(message));
        return --room > 0;
      },
    },
    limits,
    {
      delivered: (messages) => {
        counted.delivered += messages;
      },
      skipped: (frames) => {
        counted.skipped += frames;
      },
    },
  );
  return {
    written,
    counted,
    offer: (number: number) => {
      if (subscriber.offer(frameMessage(number), { sequence: number, time: 0n }, 0)) counted.delivered++;
    },
    drain: (messages: number) => {
      room = messages;
      subscriber.drained(0);
    },
  };
}

function frameMessage(number: number): Buffer {
  const value = { frame: { camera: "cameras/front", number }, detections: [] };
  return Buffer.from(
    SubscribeDetectionsResponse.encode(
      SubscribeDetectionsResponse.fromPartial({ event: { $case: "frame", value } }),
    ).finish(),
  );
}

function readBack(message: Buffer): number | { skipped: number } {
  const { event } = SubscribeDetectionsResponse.decode(message);
  if (event?.$case === "skipped") return { skipped: event.value.count };
  return event?.$case === "frame" ? event.value.frame!.number : Number.NaN;
}

test("the oldest are skipped, and their count comes where they are missing", () => {
  const connection = slowConnection({ maxFrames: 2, maxBytes: 1e6 });
  for (const number of [1, 2, 3, 4, 5]) connection.offer(number);
  expect(connection.written).toEqual([1]);
  connection.drain(10);
  expect(connection.written).toEqual([1, { skipped: 2 }, 4, 5]);
  connection.offer(6);
  expect(connection.written.at(-1)).toBe(6);
  expect(connection.counted).toEqual({ delivered: 4, skipped: 2 });
});

test("bytes bound the buffer too", () => {
  const connection = slowConnection({ maxFrames: 1000, maxBytes: 3 * frameMessage(1).byteLength });
  for (let number = 1; number <= 6; number++) connection.offer(number);
  connection.drain(10);
  expect(connection.written).toEqual([1, { skipped: 2 }, 4, 5, 6]);
});

test("property: every frame is delivered in order or counted as skipped in its place", () => {
  const steps = fc.array(fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }), { maxLength: 100 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 6 }), (script, maxFrames) => {
      const connection = slowConnection({ maxFrames, maxBytes: 1e6 });
      let offered = 0;
      for (const drain of script) {
        if (drain === undefined) connection.offer(++offered);
        else connection.drain(drain);
      }
      while (connection.counted.delivered + connection.counted.skipped < offered) connection.drain(1);
      let expected = 0;
      for (const item of connection.written) {
        if (typeof item === "number") expect(item).toBe(++expected);
        else expected += item.skipped;
      }
      expect(expected).toBe(offered);
    }),
  );
});
