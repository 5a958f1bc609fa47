import type { DetectionEvent } from "@sightline/client";
import { FrameDetections, subjects } from "@sightline/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RunningResults } from "../testing/running-results.ts";
import { sampleFrame } from "../testing/sample-frames.ts";

let results: RunningResults;
beforeAll(async () => {
  results = await RunningResults.start({
    SIGHTLINE_SUBSCRIBER_BUFFER: "16",
    // Long, so that a frame is never late because this machine was.
    SIGHTLINE_REORDER_WINDOW_MS: "2000",
  });
});
afterAll(() => results.stop());

type Filter = Parameters<RunningResults["client"]["detections"]["subscribe"]>[0];

/** A subscription that the server has taken: whatever is published from here on arrives. */
async function subscribe(filter: Filter = {}) {
  const opened = Promise.withResolvers<void>();
  const abort = new AbortController();
  const events = results.client.detections.subscribe({
    ...filter,
    signal: abort.signal,
    onOpen: () => opened.resolve(),
  });
  const first = events.next();
  await Promise.race([opened.promise, first]);
  let pending: typeof first | undefined = first;
  const next = async (): Promise<DetectionEvent> => {
    const result = await (pending ?? events.next());
    pending = undefined;
    return result.value as DetectionEvent;
  };
  return {
    next,
    async frames(count: number): Promise<FrameDetections[]> {
      const frames: FrameDetections[] = [];
      while (frames.length < count) {
        const event = await next();
        if (event.kind === "frame") frames.push(event.frame);
      }
      return frames;
    },
    async stop() {
      abort.abort();
      await events.return();
    },
  };
}

/** Scores and boxes travel in single precision. */
const onTheWire = (event: FrameDetections) => FrameDetections.decode(FrameDetections.encode(event).finish());
const numbers = (frames: FrameDetections[]) => frames.map(({ frame }) => frame!.number);

describe("a subscription", () => {
  test("gets what is published from then on, unchanged but for tracks and the time that they took", async () => {
    const camera = "as-is";
    await results.publish(sampleFrame({ camera, number: 1 }));
    await expect.poll(() => results.newestFrame(camera)).toBe(1);
    const subscription = await subscribe({ cameras: [camera] });
    const sent = sampleFrame({ camera, number: 2 });
    await results.publish(sent);
    const [got] = await subscription.frames(1);
    expect(got!.timings!.trackUs).toBeGreaterThan(0);
    expect(got).toEqual({
      ...onTheWire(sent),
      detections: onTheWire(sent).detections.map((detection) => ({
        ...detection,
        trackId: expect.any(String),
      })),
      timings: { ...sent.timings!, trackUs: got!.timings!.trackUs },
    });
    await subscription.stop();
  });

  test("restores each camera's order while a frame is out", async () => {
    const subscription = await subscribe({ cameras: ["mixed-a", "mixed-b"] });
    const send = (camera: string, number: number, previousNumber: number) =>
      results.publish(sampleFrame({ camera, number, previousNumber }));
    await send("mixed-a", 1, 0);
    await send("mixed-a", 7, 4);
    await send("mixed-b", 1, 0);
    await send("mixed-a", 4, 1);
    const frames = await subscription.frames(4);
    const of = (camera: string) =>
      numbers(frames.filter(({ frame }) => frame!.camera === `cameras/${camera}`));
    expect(of("mixed-a")).toEqual([1, 4, 7]);
    expect(of("mixed-b")).toEqual([1]);
    await subscription.stop();
  });

  test("does not wait for a frame that never comes longer than the window", async () => {
    const camera = "lossy";
    const subscription = await subscribe({ cameras: [camera] });
    await results.publish(sampleFrame({ camera, number: 5, previousNumber: 3 }));
    expect(numbers(await subscription.frames(1))).toEqual([5]);
    await subscription.stop();
  });

  test("sees a message that is published twice once", async () => {
    const camera = "twice";
    const subscription = await subscribe({ cameras: [camera] });
    const frame = sampleFrame({ camera, number: 1 });
    await results.publish(frame);
    await results.publish(frame);
    await results.publish(sampleFrame({ camera, number: 2 }));
    expect(numbers(await subscription.frames(2))).toEqual([1, 2]);
    await subscription.stop();
  });

  test("filters by class and score", async () => {
    const camera = "filtered";
    const subscription = await subscribe({ cameras: [camera], classes: ["dog"], minScore: 0.5 });
    await results.publish(sampleFrame({ camera, number: 1, found: [["person", 0.9]] }));
    await results.publish(sampleFrame({ camera, number: 2, found: [["dog", 0.4]] }));
    await results.publish(
      sampleFrame({
        camera,
        number: 3,
        found: [
          ["person", 0.9],
          ["dog", 0.8],
        ],
      }),
    );
    const [frame] = await subscription.frames(1);
    expect(frame!.frame!.number).toBe(3);
    expect(frame!.detections.map(({ className }) => className)).toEqual(["dog"]);
    await subscription.stop();
  });

  test("refuses a filter that cannot be", async () => {
    const subscription = results.client.detections.subscribe({ minScore: 2 });
    await expect(subscription.next()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

test("a message that is no frame is counted and passed over", async () => {
  const camera = "rubbish";
  const subscription = await subscribe({ cameras: [camera] });
  const before = (await results.metric("sightline_detections_invalid_total")) ?? 0;
  await results.nats.jetstream.publish(subjects.detections(camera), new Uint8Array([255, 255, 255]));
  await results.nats.jetstream.publish(subjects.detections(camera), new Uint8Array());
  await results.publish(sampleFrame({ camera, number: 1 }));
  expect(numbers(await subscription.frames(1))).toEqual([1]);
  expect(await results.metric("sightline_detections_invalid_total")).toBe(before + 2);
  await subscription.stop();
});

test("a subscriber that does not read skips frames and is told; the others get every one", async () => {
  const camera = "busy";
  const frames = 200;
  const slow = await subscribe({ cameras: [camera] });
  const fast = await Promise.all([1, 2, 3].map(() => subscribe({ cameras: [camera] })));
  // Some 40 kB each, so that the slow connection's windows fill after a few.
  const found = Array.from({ length: 600 }, () => ["person", 0.9] as const);
  for (let number = 1; number <= frames; number++) {
    await results.publish(sampleFrame({ camera, number, found }));
    const received = await Promise.all(fast.map((subscription) => subscription.frames(1)));
    for (const got of received) expect(numbers(got)).toEqual([number]);
  }

  let expected = 0;
  let skipped = 0;
  while (expected < frames) {
    const event = await slow.next();
    if (event.kind === "skipped") {
      skipped += event.count;
      expected += event.count;
    } else if (event.kind === "frame") expect(event.frame.frame!.number).toBe(++expected);
  }
  expect(skipped).toBeGreaterThan(0);
  await expect.poll(() => results.metric("sightline_events_skipped_total")).toBe(skipped);
  await Promise.all([slow, ...fast].map((subscription) => subscription.stop()));
});

test("metrics: latency by camera, detections by class, subscribers; a removed camera's series go", async () => {
  const camera = "measured";
  await results.client.cameras.register(camera, { uri: "rtsp://cam/x" });
  const subscription = await subscribe({ cameras: [camera] });
  await results.publish(sampleFrame({ camera, number: 5, previousNumber: 3, found: [["person", 0.9]] }));
  await subscription.frames(1);
  await results.publish(sampleFrame({ camera, number: 3, previousNumber: 0, found: [["dog", 0.9]] }));
  await subscription.frames(1);
  await expect.poll(() => results.metric("sightline_subscribers")).toBe(1);
  const counted = (name: string, label = "") =>
    results.metric(`sightline_${name}{camera="${camera}"${label}}`);
  await expect.poll(() => counted("frame_latency_seconds_count")).toBe(2);
  await expect.poll(() => counted("camera_detections_total", ',class="dog"')).toBe(1);
  await expect.poll(() => counted("frames_out_of_order_total")).toBe(1);
  await results.client.cameras.delete(camera);
  const metrics = async () => (await fetch(`http://${results.addresses.http}/metrics`)).text();
  await expect.poll(metrics).not.toContain(`camera="${camera}"`);
  await subscription.stop();
  await expect.poll(() => results.metric("sightline_subscribers")).toBe(0);
});
