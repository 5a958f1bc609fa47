import { type HttpCamera, type HttpSystem, streams } from "@sightline/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AnalysisRig } from "./testing/analysis-rig.ts";
import type { KillableProcess } from "./testing/killable-process.ts";
import { sceneRules } from "./testing/scene.ts";
import { analysedAsUninterrupted } from "./testing/uninterrupted-run.ts";

const patient = { timeout: 60_000, interval: 50 };
const apart = { SIGHTLINE_ANALYSIS: "apart" };

let rig: AnalysisRig;
beforeEach(async () => {
  rig = await AnalysisRig.start();
});
afterEach(() => rig.stop());

test("results ended and killed while frames flow: the analysis beside it goes on meanwhile, in the same process and with the same tracks", {
  timeout: 240_000,
}, async () => {
  let results = await rig.process("results", apart);
  const analysis = await rig.process("analysis");
  await rig.register("front", sceneRules());
  await expect.poll(() => analysis.metric("sightline_analysis_cameras"), patient).toBe(1);
  let isOver = false;
  const publishing = (async () => {
    while (!isOver) await rig.publishScene("front", 80, 40);
  })();
  for (const signal of ["SIGTERM", "SIGKILL", "SIGKILL"] as const) {
    await results.signal(signal);
    // Nobody serves the API now.
    const before = await rig.framesIn("front");
    await expect.poll(() => rig.framesIn("front"), patient).toBeGreaterThan(before + 20);
    results = await rig.process("results", apart);
  }
  isOver = true;
  await publishing;
  const events = await analysedAsUninterrupted(rig, "front");
  expect(events.length).toBeGreaterThan(20);
  const kinds = (await rig.timeline("front")).map(({ entry }) => entry.entry?.$case);
  expect(kinds).not.toContain("lost");
  // Nobody else had the camera, and nothing had to be taken up again.
  expect(await analysis.metric("sightline_analysis_cameras")).toBe(1);
  expect(await analysis.metric("sightline_analysis_recoveries_total")).toBe(0);
  expect(await results.metric("sightline_analysis_cameras")).toBeUndefined();
});

test("the analysis is away: results serves what is kept and says so; it goes on where it stood", {
  timeout: 240_000,
}, async () => {
  const results = await rig.process("results", apart);
  const analysis = await rig.process("analysis");
  await rig.register("front", sceneRules());
  await rig.publishScene("front", 40, 40);
  await expect.poll(() => rig.framesIn("front"), patient).toBe(40);
  expect(await findings(results)).not.toContainEqual(expect.stringMatching(/^No process analyses/));
  await analysis.signal("SIGKILL");
  await rig.publishScene("front", 40, 40);
  await expect
    .poll(() => findings(results), patient)
    .toContainEqual(expect.stringMatching(/^No process analyses/));
  const kept = await ask<{ frames: unknown[] }>(results, "/cameras/front/detections?empty=true&pageSize=100");
  expect(kept.frames).toHaveLength(40);
  const { events } = await ask<{ events: unknown[] }>(results, "/events");
  expect(events.length).toBeGreaterThan(0);

  await rig.process("analysis");
  await analysedAsUninterrupted(rig, "front");
  expect(await rig.framesIn("front")).toBe(80);
  await expect
    .poll(() => findings(results), patient)
    .not.toContainEqual(expect.stringMatching(/^No process analyses/));
});

test("results tells why the analysis makes no progress, though another process has it", {
  timeout: 240_000,
}, async () => {
  const results = await rig.process("results", apart);
  await rig.process("analysis");
  await rig.register("front", sceneRules());
  await rig.publishScene("front", 10, 40);
  await expect.poll(() => rig.framesIn("front"), patient).toBe(10);
  // It refuses every entry.
  const { config } = await rig.nats.manager.streams.info(streams.timeline);
  await rig.nats.manager.streams.update(streams.timeline, { ...config, max_msg_size: 1 });
  await rig.publishScene("front", 10, 40);
  const told = async () => {
    const { findings } = await ask<HttpCamera>(results, "/cameras/front");
    return findings.map(({ text }) => text);
  };
  await expect
    .poll(told, patient)
    .toContainEqual(expect.stringMatching(/^The analysis makes no progress: .*message size exceeds/i));
});

/** What the System page says is the matter. */
async function findings(results: KillableProcess): Promise<string[]> {
  return (await ask<HttpSystem>(results, "/system")).findings.map(({ text }) => text);
}

async function ask<T>({ http }: KillableProcess, path: string): Promise<T> {
  const response = await fetch(`http://${http}/api/v1${path}`);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
