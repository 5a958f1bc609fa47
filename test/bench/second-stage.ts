/**
 * What a second stage costs: frames per second of cameras with `--then` and of others beside them, and how long their frames take, with it
 * and without, in alternating blocks of one run. All cameras play the bundled clip, as fast as there is room for or at a rate.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect } from "@sightline/client";
import { projectRoot, Stack } from "@sightline/stack";
import { Scrape, stackPorts } from "../system/system.ts";

const then = "clothing-colour";
const clip = `file://${join(projectRoot, "test/fixtures/pedestrians.mp4")}`;

interface Options {
  cameras: number;
  /** Of each camera, at most; 0 is every frame. */
  fps: number;
  blocks: number;
  seconds: number;
}

export async function benchSecondStage({ cameras, fps, blocks, seconds }: Options) {
  const directory = mkdtempSync(join(tmpdir(), "sightline-bench-then-"));
  const ports = await stackPorts();
  const env = { SIGHTLINE_LOG_LEVEL: "warn", SIGHTLINE_SOURCE_FILES: join(projectRoot, "test/fixtures") };
  const stack = await Stack.start({ directory, ports, env }, AbortSignal.timeout(100_000));
  const client = connect(`127.0.0.1:${ports.grpc}`);
  try {
    const ids = Array.from({ length: cameras }, (_, i) => `camera-${i}`);
    for (const id of ids) await client.cameras.register(id, { uri: clip, targetFps: fps });
    // Half of them ask for it, in every other block.
    const asking = ids.filter((_, i) => i % 2 === 0);
    const others = ids.filter((_, i) => i % 2 === 1);
    const set = async (isOn: boolean) => {
      for (const id of asking)
        await client.cameras.update(id, { secondStages: isOn ? [{ model: then }] : [] });
      await delay(3_000);
    };
    const told = () => Scrape.of(`127.0.0.1:${ports.inference}`);
    const framesOf = (scrape: Scrape, of: readonly string[]) =>
      of.reduce((sum, camera) => sum + (scrape.sum("sightline_inference_frames_total", { camera }) ?? 0), 0);
    const post = (scrape: Scrape) => ({
      sum: scrape.sum("sightline_inference_stage_seconds_sum", { stage: "post" }) ?? 0,
      count: scrape.sum("sightline_inference_stage_seconds_count", { stage: "post" }) ?? 0,
    });
    await delay(8_000);
    await set(true);
    const rows = [];
    for (let block = 0; block < 2 * blocks; block++) {
      const isOn = block % 2 === 1;
      await set(isOn);
      const [before, begin] = [await told(), performance.now()];
      await delay(1000 * seconds);
      const [after, passed] = [await told(), (performance.now() - begin) / 1000];
      const [p, q] = [post(before), post(after)];
      rows.push({
        isOn,
        asking: (framesOf(after, asking) - framesOf(before, asking)) / passed,
        others: (framesOf(after, others) - framesOf(before, others)) / passed,
        postMs: (1000 * (q.sum - p.sum)) / (q.count - p.count),
      });
    }
    const last = await told();
    const runs = "sightline_inference_second_stage_run_seconds";
    return {
      rows,
      runMs: (1000 * (last.sum(`${runs}_sum`, {}) ?? 0)) / (last.sum(`${runs}_count`, {}) ?? 1),
      objectsARun:
        (last.sum("sightline_inference_second_stage_objects_total", { outcome: "read" }) ?? 0) /
        (last.sum(`${runs}_count`, {}) ?? 1),
      frames: Object.fromEntries(
        ["read", "absent", "busy", "failed"].map((outcome) => [
          outcome,
          last.sum("sightline_inference_second_stage_frames_total", { outcome }) ?? 0,
        ]),
      ),
    };
  } finally {
    client.close();
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const number = (value: number) => ({ type: "string", default: String(value) }) as const;
  const { values } = parseArgs({
    options: { cameras: number(6), fps: number(0), blocks: number(4), seconds: number(10) },
  });
  const { cameras, fps, blocks, seconds } = values;
  const found = await benchSecondStage({
    ...{ cameras: Number(cameras), fps: Number(fps), blocks: Number(blocks), seconds: Number(seconds) },
  });
  console.table(found.rows);
  const { rows: _, ...rest } = found;
  console.log(rest);
}
