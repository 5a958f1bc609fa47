import { setImmediate as nextTurn } from "node:timers/promises";
import { CameraRules, type FrameDetections, streams, toTimestamp } from "@sightline/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { span } from "../testing/event-collector.ts";
import { RunningFeeds } from "../testing/running-feeds.ts";
import { sampleFrame } from "../testing/sample-frames.ts";

let feeds: RunningFeeds;
const rules = new Map<string, CameraRules>();
beforeAll(async () => {
  feeds = await RunningFeeds.start({ rulesOf: (camera) => rules.get(camera) });
});
afterAll(() => feeds.stop());

type Request = Parameters<typeof feeds.client.listDetections>[0];

/** All pages of a request. */
async function listAll(request: Request): Promise<{ frames: FrameDetections[]; sizes: number[] }> {
  const frames: FrameDetections[] = [];
  const sizes: number[] = [];
  let pageToken = "";
  do {
    const page = await feeds.client.listDetections({ ...request, pageToken });
    frames.push(...page.frames);
    sizes.push(page.frames.length);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return { frames, sizes };
}
const numbers = (frames: FrameDetections[]) => frames.map(({ frame }) => frame!.number);

test("pages hold every frame once, in order; a token is good for the same request only", async () => {
  const camera = "paged";
  for (const number of span(1, 45)) await feeds.frame(sampleFrame({ camera, number }));
  const request = { cameras: [`cameras/${camera}`], pageSize: 10 };
  const { frames, sizes } = await listAll(request);
  expect(numbers(frames)).toEqual(span(1, 45));
  expect(Math.max(...sizes)).toBe(10);
  const { nextPageToken: pageToken } = await feeds.client.listDetections(request);
  for (const other of [
    { ...request, minScore: 0.1 },
    { ...request, cameras: [] },
    { ...request, pageSize: 11 },
  ])
    await expect(feeds.client.listDetections({ ...other, pageToken })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "invalid_argument",
    });
  expect(numbers((await feeds.client.listDetections({ ...request, pageToken })).frames)).toEqual(
    span(11, 20),
  );
});

test("paging ends though frames keep coming", async () => {
  const camera = "growing";
  for (const number of span(1, 6)) await feeds.frame(sampleFrame({ camera, number }));
  const request = { cameras: [`cameras/${camera}`], pageSize: 4 };
  const first = await feeds.client.listDetections(request);
  for (const number of span(7, 20)) await feeds.frame(sampleFrame({ camera, number }));
  const second = await feeds.client.listDetections({ ...request, pageToken: first.nextPageToken });
  expect(numbers([...first.frames, ...second.frames])).toEqual(span(1, 6));
  expect(second.nextPageToken).toBe("");
});

test("a page is bounded in bytes, and frames too large for two to a page still come", async () => {
  const camera = "large";
  const found = Array.from({ length: 1000 }, () => ["c".repeat(500), 0.9] as const);
  for (const number of span(1, 4)) await feeds.frame(sampleFrame({ camera, number, found }));
  const { frames, sizes } = await listAll({ cameras: [`cameras/${camera}`] });
  expect(numbers(frames)).toEqual(span(1, 4));
  expect(sizes).toEqual([1, 1, 1, 1]);
});

test("what is on a page is gone before the next is asked for: paging goes on with what is kept", async () => {
  const camera = "going";
  const sequences: number[] = [];
  for (const number of span(1, 10)) sequences.push(await feeds.frame(sampleFrame({ camera, number })));
  const request = { cameras: [`cameras/${camera}`], pageSize: 3 };
  const { nextPageToken: pageToken } = await feeds.client.listDetections(request);
  await feeds.nats.manager.streams.purge(streams.timeline, { seq: sequences[5]! });
  const next = await feeds.client.listDetections({ ...request, pageToken });
  expect(numbers(next.frames)).toEqual([6, 7, 8]);
});

describe("filters", () => {
  const camera = "filtered";
  const begin = Date.now();
  const request = { cameras: [`cameras/${camera}`] };
  beforeAll(async () => {
    rules.set(
      camera,
      CameraRules.fromPartial({
        zones: [
          {
            name: "low",
            polygon: [
              { x: 0, y: 0.5 },
              { x: 1, y: 0.5 },
              { x: 1, y: 1 },
              { x: 0, y: 1 },
            ],
          },
          {
            name: "high",
            polygon: [
              { x: 0, y: 0 },
              { x: 1, y: 0 },
              { x: 1, y: 0.4 },
              { x: 0, y: 0.4 },
            ],
          },
        ],
      }),
    );
    const found = [
      [],
      [["person", 0.9]],
      [["dog", 0.4]],
      [
        ["person", 0.3],
        ["dog", 0.8],
      ],
    ] as const;
    for (const [index, each] of found.entries()) {
      const frame = sampleFrame({ camera, number: index + 1, found: each });
      frame.frame!.captureTime = toTimestamp(begin + index * 1_000);
      await feeds.frame(frame);
    }
  });

  const at = (second: number) => toTimestamp(begin + second * 1_000);
  test.each<[string, Request, [number, string[]][]]>([
    [
      "none",
      {},
      [
        [2, ["person"]],
        [3, ["dog"]],
        [4, ["person", "dog"]],
      ],
    ],
    [
      "empty too",
      { includeEmpty: true },
      [
        [1, []],
        [2, ["person"]],
        [3, ["dog"]],
        [4, ["person", "dog"]],
      ],
    ],
    [
      "class",
      { classes: ["dog"] },
      [
        [3, ["dog"]],
        [4, ["dog"]],
      ],
    ],
    [
      "score",
      { minScore: 0.5 },
      [
        [2, ["person"]],
        [4, ["dog"]],
      ],
    ],
    [
      "from",
      { startTime: at(2) },
      [
        [3, ["dog"]],
        [4, ["person", "dog"]],
      ],
    ],
    ["to", { endTime: at(2) }, [[2, ["person"]]]],
    [
      "from and to",
      { startTime: at(1), endTime: at(3) },
      [
        [2, ["person"]],
        [3, ["dog"]],
      ],
    ],
    [
      "a zone",
      { zone: "low", classes: ["dog"] },
      [
        [3, ["dog"]],
        [4, ["dog"]],
      ],
    ],
    ["a zone where nothing is", { zone: "high" }, []],
    ["a zone that is none", { zone: "nowhere" }, []],
    ["another camera", { cameras: ["cameras/nobody"] }, []],
  ])("%s", async (_, filter, expected) => {
    const { frames } = await listAll({ ...request, ...filter });
    expect(
      frames.map(({ frame, detections }) => [frame!.number, detections.map((d) => d.className)]),
    ).toEqual(expected);
  });

  test.each<[Request, string]>([
    [{ startTime: at(2), endTime: at(1) }, "the end of the time range is before its start"],
    [{ cameras: ["front"] }, "cameras/{camera}"],
    [{ minScore: 2 }, "min_score"],
    [{ pageSize: 1001 }, "page_size"],
    [{ pageToken: "rubbish" }, "page_token"],
  ])("refuses %j", async (request, why) => {
    await expect(feeds.client.listDetections(request)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(why),
    });
  });
});

test("NATS that lost its newest messages: a token of what is lost is refused, one of what is left is not", async () => {
  const camera = "cut";
  const request = { cameras: [`cameras/${camera}`], pageSize: 4 };
  for (const number of span(1, 10)) await feeds.frame(sampleFrame({ camera, number }));
  const ofKept = (await feeds.client.listDetections(request)).nextPageToken;
  const goBack = await feeds.server.keepCopy();
  for (const number of span(11, 20)) await retried(() => feeds.frame(sampleFrame({ camera, number })));
  const ofLost = await retried(async () => (await feeds.client.listDetections(request)).nextPageToken);
  await goBack();
  // They bear the sequences of those that are lost.
  for (const number of span(21, 35)) await retried(() => feeds.frame(sampleFrame({ camera, number })));
  const { frames } = await retried(() => feeds.client.listDetections({ ...request, pageToken: ofKept }));
  expect(numbers(frames)).toEqual(span(5, 8));
  await expect(feeds.client.listDetections({ ...request, pageToken: ofLost })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining("begin again"),
  });
  expect(numbers((await listAll(request)).frames)).toEqual([...span(1, 10), ...span(21, 35)]);
});

/** Until NATS, which was away, takes it. */
async function retried<R>(task: () => Promise<R>): Promise<R> {
  for (;;) {
    try {
      return await task();
    } catch {
      await nextTurn();
    }
  }
}
