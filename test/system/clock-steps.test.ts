import { SteppedClock } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { System } from "./system.ts";

const camera = "camera-1";
const services = ["ingest", "inference", "results"] as const;
const clocks = Object.fromEntries(services.map((service) => [service, new SteppedClock()]));
/** On a busy machine frames are truly older than a second now and then; a clock that is set makes them older than this. */
const patience = { SIGHTLINE_MAX_AGE_MS: "60000" };
let system: System;

beforeAll(async () => {
  system = await System.start();
  for (const service of services) {
    await system.stack.process(service).stop();
    await system.stack.startService(service, { ...clocks[service]!.env, ...patience });
  }
  for (const service of services)
    await system.stack.ready(
      service,
      `http://127.0.0.1:${system.ports[service]}/readyz`,
      AbortSignal.timeout(60_000),
    );
  const cameras = await system.cameras(1);
  await system.register(camera, { uri: cameras.url(camera) });
  await system.frames(camera, 3);
});

afterAll(async () => {
  await system?.stop();
  for (const clock of Object.values(clocks)) clock.remove();
});

/** Frames of an age that no frame has had, and all. */
async function latencies(): Promise<{ beyond: number; all: number }> {
  const scrape = await system.metrics("results");
  const all = scrape.sum("sightline_frame_latency_seconds_count", { camera }) ?? 0;
  const slow = scrape.sum("sightline_frame_latency_seconds_sum", { camera }) ?? 0;
  return { beyond: Math.floor(slow / 1_000), all };
}

const capturedAhead = async () => {
  const [frame] = await system.frames(camera, 1);
  return (Date.parse(frame!.frame.captureTime) - Date.now()) / 1_000;
};

test.each(services.flatMap((service) => [3600, -3600].map((seconds) => ({ service, seconds }))))(
  "the clock of $service is set by $seconds s: frames are analysed as before, at their true age",
  async ({ service, seconds }) => {
    clocks[service]!.set(seconds);
    if (service === "ingest")
      await expect.poll(async () => Math.round((await capturedAhead()) / 60)).toBe(seconds / 60);
    const before = await system.ledger(camera);
    await system.until(async () => (await system.ledger(camera)).inferred >= before.inferred + 20);
    const { camera: status } = { camera: await system.camera(camera) };
    expect(status.status).toMatchObject({ state: "CAMERA_STATE_LIVE" });
    const scrape = await system.metrics("ingest");
    expect(scrape.sum("sightline_frames_dropped_total", { camera, reason: "stale" }) ?? 0).toBe(0);
    const { beyond, all } = await latencies();
    expect(all).toBeGreaterThan(20);
    expect(beyond).toBe(0);
    clocks[service]!.set(0);
    if (service === "ingest")
      await expect.poll(async () => Math.abs(Math.round((await capturedAhead()) / 60))).toBe(0);
  },
);
