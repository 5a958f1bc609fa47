import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Collector } from "../testing/event-collector.ts";
import { RunningFeeds } from "../testing/running-feeds.ts";
import { sampleFrame } from "../testing/sample-frames.ts";

let feeds: RunningFeeds;
beforeAll(async () => {
  feeds = await RunningFeeds.start({ ring: { maxMessages: 12, maxBytes: 1e6 }, progressMs: 20 });
});
afterAll(() => feeds.stop());

const cameras = ["a", "b", "c"];
/** What is in a frame: mostly the first, seldom the last. */
const classes = ["person", "dog", "cat"];
const found = fc.oneof(
  { weight: 50, arbitrary: fc.constant(0) },
  { weight: 48, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.constant(2) },
);

interface Reader {
  cameras: string[];
  classes: string[];
  /** How many frames are published before it comes. */
  joins: number;
  /** After so many messages it leaves, and comes back with the cursor of the last. */
  leaves: number;
  /** After being told of progress so often it leaves, and comes back with the cursor of that; never when 0. */
  progress: number;
  /** Every so many messages it takes a while. */
  pauses: number;
  /** For so many turns of the event loop. */
  turns: number;
}

const reader: fc.Arbitrary<Reader> = fc.record({
  cameras: fc.subarray(cameras, { minLength: 1 }),
  classes: fc.subarray(classes),
  joins: fc.nat({ max: 150 }),
  leaves: fc.integer({ min: 1, max: 60 }),
  progress: fc.nat({ max: 3 }),
  pauses: fc.integer({ min: 1, max: 8 }),
  turns: fc.constantFrom(20, 20, 500),
});
/** One for which nearly nothing comes. */
const idle: Reader = {
  cameras: ["a"],
  classes: ["cat"],
  joins: 0,
  leaves: 60,
  progress: 1,
  pauses: 8,
  turns: 0,
};
/** How often a reader came back with a cursor of progress. */
let resumed = 0;

test("property: however readers come, pause, leave and come back, each gets all it wants once and in order", async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(reader, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat({ max: 2 }), found), { minLength: 150, maxLength: 150 }),
      async (readers, script) => {
        const prefix = `r${++round}-`;
        const frames = [...script, [0, 2] as const].map(([camera, found], index) => ({
          camera: prefix + cameras[camera]!,
          number: index + 1,
          found: classes[found]!,
        }));
        // Some 15 kB each, so that a reader that pauses holds its connection up.
        const publishing = (async () => {
          for (const { camera, number, found } of frames) {
            const many = Array.from({ length: 250 }, () => [found, 0.9] as const);
            await feeds.frame(sampleFrame({ camera, number, found: many }));
          }
        })();
        const begin = new Date();
        const runs = [idle, ...readers].map(async (reader) => {
          const wanted = frames.filter(
            ({ camera, found }) =>
              reader.cameras.includes(camera.slice(prefix.length)) &&
              (reader.classes.length === 0 || reader.classes.includes(found)),
          );
          const got = await readAll(reader, prefix, begin, wanted.length);
          expect(got).toEqual(wanted.map(({ number }) => number));
        });
        await Promise.all([publishing, ...runs]);
      },
    ),
    { numRuns: 8 },
  );
  expect(resumed).toBeGreaterThan(0);
}, 300_000);

async function readAll(reader: Reader, prefix: string, begin: Date, count: number): Promise<number[]> {
  const got: number[] = [];
  let cursor = "";
  for (let turn = 0; turn < reader.joins; turn++) await nextTurn();
  while (got.length < count) {
    const abort = new AbortController();
    const leaveAt = got.length + reader.leaves;
    let told = 0;
    const events = feeds.client.detections({
      cameras: reader.cameras.map((camera) => prefix + camera),
      classes: reader.classes,
      start: cursor ? { cursor } : { time: begin },
      progress: reader.progress > 0,
      signal: abort.signal,
    });
    const collector = new Collector(events, async (event) => {
      if (event.kind !== "frame" && event.kind !== "progress") throw new Error(`${event.kind} came`);
      cursor = event.cursor;
      if (event.kind === "progress") {
        if (++told !== reader.progress) return;
        resumed++;
        return abort.abort();
      }
      got.push(event.frame.frame!.number);
      if (got.length % reader.pauses === 0) for (let turn = 0; turn < reader.turns; turn++) await nextTurn();
      if (got.length >= Math.min(leaveAt, count)) abort.abort();
    });
    await collector.ended;
  }
  return got;
}
