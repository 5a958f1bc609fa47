import type { JsMsg } from "@nats-io/jetstream";
import { subjects, TimelineEntry } from "@sightline/contracts";
import { SubscribeDetectionsRequest, SubscribeDetectionsResponse } from "@sightline/contracts/api";
import { createLogger, unknownTime } from "@sightline/service";
import { beforeEach, describe, expect, test } from "vitest";
import { sampleFrame } from "../testing/sample-frames.ts";
import { streamIdentity } from "./cursor.ts";
import { detectionFormat, readFilter } from "./detection-format.ts";
import { Feed } from "./feed.ts";
import { FeedReader } from "./feed-reader.ts";
import type { StreamStart } from "./start-position.ts";
import { StoredMessages } from "./stored-messages.ts";
import { Subscriber } from "./subscriber.ts";
import type { TimelineMessage } from "./timeline-message.ts";

const log = createLogger("test", "fatal");

const nobody = {
  delivered: () => undefined,
  skipped: () => undefined,
  invalid: () => undefined,
  lag: () => undefined,
};
let feed: Feed<TimelineMessage, ReturnType<typeof readFilter>>;
let sequence: number;
beforeEach(() => {
  feed = new Feed(
    detectionFormat,
    { maxMessages: 100, maxBytes: 1e6 },
    { knows: () => true, note: () => undefined },
    nobody,
    createLogger("test", "fatal"),
  );
  feed.begin(streamIdentity("TIMELINE", "now"), { sequence: 0, time: unknownTime });
  sequence = 0;
});

function publish(frame: ReturnType<typeof sampleFrame>) {
  const entry = TimelineEntry.fromPartial({ entry: { $case: "frame", value: frame } });
  const data = TimelineEntry.encode(entry).finish();
  const message = { subject: subjects.timeline("front"), seq: ++sequence, data, timestampNanos: 0n };
  feed.message(message as JsMsg, false);
}

function subscribe(request: Parameters<typeof SubscribeDetectionsRequest.fromPartial>[0]) {
  const messages: Buffer[] = [];
  const sink = { write: (message: Buffer) => messages.push(message) > 0 };
  const subscriber = new Subscriber(sink, { maxFrames: 10, maxBytes: 1e6 }, nobody);
  const stop = feed.add(readFilter(SubscribeDetectionsRequest.fromPartial(request)), subscriber);
  const classes = () =>
    messages.map((message) => {
      const { event } = SubscribeDetectionsResponse.decode(message);
      return event?.$case === "frame" ? event.value.detections.map(({ className }) => className) : event;
    });
  return { messages, stop, classes };
}

describe("filters", () => {
  const mixed = sampleFrame({
    number: 1,
    found: [
      ["person", 0.9],
      ["dog", 0.4],
    ],
  });
  const empty = sampleFrame({ number: 2, found: [] });

  test.each([
    [{}, [["person", "dog"]]],
    [{ classes: ["dog"] }, [["dog"]]],
    [{ minScore: 0.5 }, [["person"]]],
    [{ classes: ["dog"], minScore: 0.5 }, []],
    [{ classes: ["dog"], minScore: 0.5, includeEmpty: true }, [[], []]],
    [{ includeEmpty: true }, [["person", "dog"], []]],
    [{ cameras: ["cameras/back"], includeEmpty: true }, []],
    [{ cameras: ["cameras/back", "cameras/front"] }, [["person", "dog"]]],
  ])("%j", (request, expected) => {
    const { classes } = subscribe(request);
    publish(mixed);
    publish(empty);
    expect(classes()).toEqual(expected);
  });

  test.each([
    [{ cameras: ["front"] }, "cameras/{camera}"],
    [{ cameras: Array(1001).fill("cameras/a") }, "1000"],
    [{ classes: [""] }, "empty"],
    [{ classes: Array.from({ length: 1001 }, (_, i) => `c${i}`) }, "1000"],
    [{ minScore: -0.1 }, "min_score"],
    [{ minScore: Number.NaN }, "min_score"],
  ])("refuses %j", (request, why) => {
    expect(() => subscribe(request)).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(why) }),
    );
  });
});

test("one encoding serves all whose filters let the same through", () => {
  const subscriptions = [
    {},
    {},
    { minScore: 0.5 },
    { classes: ["person"] },
    { cameras: ["cameras/front"] },
  ].map(subscribe);
  publish(sampleFrame({ number: 1 }));
  const [first, ...others] = subscriptions.map(({ messages }) => messages[0]);
  for (const other of others) expect(other).toBe(first);
});

test("a reader that misses nothing shares the encoding, whether it keeps up or comes later", () => {
  const live = subscribe({});
  const read = (start: StreamStart) => {
    const messages: Buffer[] = [];
    const sink = { write: (message: Buffer) => messages.push(message) > 0 };
    const filter = readFilter(SubscribeDetectionsRequest.fromPartial({ minScore: 0.1 }));
    // Everything is in memory: JetStream is not asked.
    const reader = new FeedReader(
      feed,
      new StoredMessages(undefined as never, "TIMELINE"),
      filter,
      sink,
      log,
    );
    feed.add(filter, reader);
    reader.start(start);
    return messages;
  };
  const keepsUp = read({ from: "newest" });
  publish(sampleFrame({ number: 1 }));
  publish(sampleFrame({ number: 2 }));
  const later = read({ from: "cursor", identity: feed.identity, place: { sequence: 1, time: unknownTime } });
  expect(keepsUp).toHaveLength(2);
  expect(keepsUp[0]).toBe(live.messages[0]);
  expect(later).toHaveLength(1);
  expect(later[0]).toBe(live.messages[1]);
});

test("a subscriber that stopped gets nothing more, and stopping twice is harmless", () => {
  const leaving = subscribe({});
  const staying = subscribe({});
  leaving.stop();
  leaving.stop();
  publish(sampleFrame({ number: 1 }));
  expect(leaving.messages).toEqual([]);
  expect(staying.messages).toHaveLength(1);
  expect(feed.size).toBe(1);
});
