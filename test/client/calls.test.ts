import { EventType } from "@sightline/client";
import { Event, subjects } from "@sightline/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sampleEvent } from "../../services/results/src/testing/running-feeds.ts";
import { RunningResults } from "../../services/results/src/testing/running-results.ts";
import { sampleFrame } from "../../services/results/src/testing/sample-frames.ts";

let running: RunningResults;
beforeAll(async () => {
  running = await RunningResults.start();
});
afterAll(() => running.stop());

test("rules are read, replaced as a whole, and guarded by their etag", async () => {
  const { rules } = running.client;
  await running.client.cameras.register("front", { uri: "rtsp://cam/x" });
  expect(await rules.get("front")).toMatchObject({ zones: [], rules: [] });
  const line = { name: "door", start: { x: 0, y: 0.5 }, end: { x: 1, y: 0.5 } };
  const rule = { type: EventType.CROSSED_LINE, line: "door" };
  const kept = await rules.update("front", { lines: [line], rules: [rule] });
  expect(kept).toMatchObject({ name: "cameras/front/rules", lines: [line], rules: [rule] });
  expect(await rules.get("front")).toEqual(kept);
  const changed = await rules.update("front", { ...kept, rules: [{ ...rule, name: "through the door" }] });
  expect(changed.rules).toMatchObject([{ name: "through the door", line: "door" }]);
  await expect(rules.update("front", kept)).rejects.toMatchObject({
    code: "ABORTED",
    reason: "etag_mismatch",
  });
  await expect(rules.update("front", { rules: [rule] })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    reason: "rules_invalid",
    message: expect.stringContaining("door"),
  });
  await expect(rules.get("nowhere")).rejects.toMatchObject({ reason: "camera_not_found" });
});

test("events are listed page after page, newest first, and fetched by name", async () => {
  const { events } = running.client;
  const began = Date.now() - 60_000;
  for (const number of [1, 2, 3, 4, 5]) {
    const event = sampleEvent({ camera: "yard", id: `e${number}`, startTime: began + number * 1000 });
    await running.nats.jetstream.publish(subjects.event("yard", `e${number}`), Event.encode(event).finish());
  }
  const ids = async (query: Parameters<typeof events.list>[0]) =>
    (await Array.fromAsync(events.list(query))).map(({ name }) => name.split("/").at(-1));
  const filter = { cameras: ["yard"] };
  await expect.poll(() => ids({ filter, pageSize: 2 })).toEqual(["e5", "e4", "e3", "e2", "e1"]);
  expect(await ids({ filter, from: new Date(began + 2000), to: new Date(began + 4000) })).toEqual([
    "e3",
    "e2",
  ]);
  expect(await ids({ filter: { ...filter, zones: ["nowhere"] } })).toEqual([]);
  expect(await events.get("cameras/yard/events/e3")).toMatchObject({ revision: 1, zone: "entrance" });
  await expect(events.get("cameras/yard/events/none")).rejects.toMatchObject({ reason: "event_not_found" });
  await expect(events.snapshot("cameras/yard/events/e3")).rejects.toMatchObject({
    code: "NOT_FOUND",
    reason: "snapshot_not_found",
  });
});

test("detections are listed page after page", async () => {
  for (const number of [1, 2, 3]) await running.publish(sampleFrame({ camera: "yard", number }));
  const numbers = async () =>
    (await Array.fromAsync(running.client.detections.list({ cameras: ["yard"], pageSize: 2 }))).map(
      ({ frame }) => frame!.number,
    );
  await expect.poll(numbers).toEqual([1, 2, 3]);
  await expect(running.client.cameras.snapshot("yard")).rejects.toMatchObject({ code: "UNAVAILABLE" });
});

test("an aborted call is CANCELLED", async () => {
  const call = { signal: AbortSignal.abort() };
  await expect(running.client.cameras.get("front", call)).rejects.toMatchObject({ code: "CANCELLED" });
});
