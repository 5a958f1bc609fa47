import { afterEach, beforeEach, expect, test } from "vitest";
import { AnalysisRig } from "./testing/analysis-rig.ts";
import type { KillableProcess } from "./testing/killable-process.ts";
import { sceneRules } from "./testing/scene.ts";
import { analysedAsUninterrupted } from "./testing/uninterrupted-run.ts";

const held = "sightline_analysis_cameras";
const patient = { timeout: 60_000, interval: 50 };

let rig: AnalysisRig;
beforeEach(async () => {
  rig = await AnalysisRig.start();
});
afterEach(() => rig.stop());

/** Two processes that share a camera: the one that has it, and the other. */
async function holderAndOther(camera: string): Promise<[KillableProcess, KillableProcess]> {
  const holder = await rig.process();
  await rig.register(camera, sceneRules());
  await expect.poll(() => holder.metric(held)).toBe(1);
  return [holder, await rig.process()];
}

test("several processes share the cameras evenly", async () => {
  const processes = [await rig.process(), await rig.process()];
  const counts = () => Promise.all(processes.map(async (process) => (await process.metric(held)) ?? 0));
  const total = async () => (await counts()).reduce((sum, count) => sum + count, 0);
  for (let i = 0; i < 8; i++) {
    await rig.register(`camera-${i}`);
    await expect.poll(total, patient).toBe(i + 1);
  }
  // Whoever is slow to take a camera that it is due leaves it to the other, and is given the next.
  const [one, other] = await counts();
  expect(Math.abs(one! - other!)).toBeLessThanOrEqual(2);
});

test("a camera of a process that was killed goes on in another", { timeout: 180_000 }, async () => {
  const [holder, other] = await holderAndOther("front");
  const publishing = rig.publishScene("front", 360, 40);
  await expect.poll(() => rig.framesIn("front")).toBeGreaterThan(60);
  await holder.signal("SIGKILL");
  await expect.poll(() => other.metric(held), patient).toBe(1);
  await publishing;
  await analysedAsUninterrupted(rig, "front");
});

test("a camera of a process that stops goes on in another at once", { timeout: 180_000 }, async () => {
  const [holder, other] = await holderAndOther("front");
  const publishing = rig.publishScene("front", 160, 40);
  await expect.poll(() => rig.framesIn("front")).toBeGreaterThan(60);
  await holder.signal("SIGTERM");
  await expect.poll(() => other.metric(held), patient).toBe(1);
  await publishing;
  await analysedAsUninterrupted(rig, "front");
});

test("a process that was frozen while another took its camera writes nothing more", {
  timeout: 180_000,
}, async () => {
  const [holder, other] = await holderAndOther("front");
  const publishing = rig.publishScene("front", 400, 40);
  await expect.poll(() => rig.framesIn("front")).toBeGreaterThan(60);
  await holder.signal("SIGSTOP");
  await expect.poll(() => other.metric(held), patient).toBe(1);
  await holder.signal("SIGCONT");
  await expect.poll(() => holder.metric(held), patient).toBe(0);
  await publishing;
  await analysedAsUninterrupted(rig, "front");
  expect(await other.metric(held)).toBe(1);
});
