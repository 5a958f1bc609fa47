import { DropReason, encodeJson, type FrameDropped, subjects } from "@sightline/contracts";
import { expect, test } from "vitest";
import { RunningResults } from "./testing/running-results.ts";
import { sampleFrame } from "./testing/sample-frames.ts";

test("a frame does not wait for one that its worker dropped", async () => {
  const results = await RunningResults.start({ SIGHTLINE_REORDER_WINDOW_MS: "10000" });
  const abort = new AbortController();
  try {
    const opened = Promise.withResolvers<void>();
    const events = results.client.detections.subscribe({
      signal: abort.signal,
      onOpen: () => opened.resolve(),
    });
    const first = events.next();
    await opened.promise;
    // Of two that wait, the one that began to later comes first: not because its time is over.
    await results.publish(sampleFrame({ camera: "back", number: 4, previousNumber: 3 }));
    await results.publish(sampleFrame({ number: 4, previousNumber: 3 }));
    await expect.poll(() => results.metric("sightline_frames_held")).toBe(2);
    const notice: FrameDropped = { epoch: "e1", number: 3, previousNumber: 0, reason: DropReason.STALE };
    results.nats.connection.publish(subjects.frameDropped("front"), encodeJson(notice));
    const frame = { camera: "cameras/front", number: 4 };
    expect((await first).value).toMatchObject({ kind: "frame", frame: { frame } });
  } finally {
    abort.abort();
    await results.stop();
  }
});
