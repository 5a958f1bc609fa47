import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { streams } from "@sightline/contracts";
import type { Nats } from "@sightline/service";
import type { NatsServer } from "@sightline/service/testing";
import { afterEach, expect, test } from "vitest";
import { AnalysisRig } from "./analysis/testing/analysis-rig.ts";
import { RunningResults } from "./testing/running-results.ts";
import { sampleFrame } from "./testing/sample-frames.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Kills NATS, makes the last that it stored of TIMELINE unreadable, and starts it again: what it stores there is lost from then on. */
async function damageTimeline(server: NatsServer, nats: Nats): Promise<void> {
  await server.down("SIGKILL");
  const file = join(server.directory, "jetstream/jetstream/$G/streams", streams.timeline, "msgs/1.blk");
  const { size } = statSync(file);
  const bytes = readFileSync(file);
  for (let i = size - 200; i < size; i++) bytes[i]! ^= 0x5a;
  writeFileSync(file, bytes);
  await server.up();
  const answers = () => nats.manager.streams.info(streams.timeline).then(Boolean, () => false);
  await expect.poll(answers, { timeout: 30_000 }).toBe(true);
}

test("a timeline that is damaged while results runs is made anew and said; subscribers get a gap and each frame after it", {
  timeout: 180_000,
}, async () => {
  const results = await RunningResults.start();
  ends.push(() => results.stop());
  const abort = new AbortController();
  ends.push(async () => abort.abort());
  const opened = Promise.withResolvers<void>();
  const got: (number | "gap")[] = [];
  const filter = { start: "newest" as const, includeEmpty: true, signal: abort.signal };
  void (async () => {
    for await (const event of results.client.detections.subscribe({ ...filter, onOpen: opened.resolve }))
      if (event.kind === "frame") got.push(event.frame.frame!.number);
      else if (event.kind === "gap") got.push("gap");
  })().catch(() => undefined);
  await opened.promise;
  for (let number = 1; number <= 30; number++) await results.publish(sampleFrame({ number }));
  await expect.poll(() => got.length, { timeout: 30_000 }).toBe(30);

  await damageTimeline(results.server, results.nats);
  for (let number = 31; number <= 40; number++) await results.publish(sampleFrame({ number }));
  await expect.poll(() => got.at(-1), { timeout: 120_000 }).toBe(40);
  const gap = got.lastIndexOf("gap");
  expect(gap).toBeGreaterThanOrEqual(30);
  // What was to be analysed is still there.
  expect(got.slice(gap + 1)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  expect(await results.metric('sightline_stream_set_aside_total{stream="TIMELINE"}')).toBe(1);
  expect(await results.metric('sightline_analysis_stalled{camera="front"}')).toBe(0);
});

test("results starts on a damaged timeline, is ready, and analyses", { timeout: 180_000 }, async () => {
  const rig = await AnalysisRig.start();
  ends.push(() => rig.stop());
  await rig.register("front");
  const before = await rig.results();
  await rig.publishScene("front", 30, 100);
  await expect.poll(() => rig.framesIn("front"), { timeout: 30_000 }).toBe(30);
  await before.signal("SIGKILL");
  await damageTimeline(rig.server, rig.nats);
  await rig.expireLeases();
  const results = await rig.results();
  await rig.publishScene("front", 10, 100);
  await expect.poll(() => rig.framesIn("front"), { timeout: 120_000 }).toBe(40);
  await expect.poll(() => results.metric('sightline_analysis_stalled{camera="front"}')).toBe(0);
  const ids = (await rig.events("front")).map(({ event }) => `${event.name} ${event.phase}`);
  expect(new Set(ids).size).toBe(ids.length);
});
