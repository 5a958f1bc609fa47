import { setTimeout as delay } from "node:timers/promises";
import { type CurvePoint, isWorthwhile } from "./batch-curve.ts";
import type { BatchRunner, TurnRun } from "./batch-runner.ts";
import type { BatchSlot } from "./batch-slots.ts";

/** A model beside another may take this share of the time while it warms up. */
const share = 1 / 2;
/** Runs of each size; the first is not counted. */
const runs = 3;

/**
 * Warms a session up beside one that serves, in turns with it, and tries it out: a picture that is not plain must give an output
 * that is all numbers. Measures runs of each of `sizes`, smallest first, up to the first that is not worth its latency.
 * @throws BatchFailedError why the model does not answer
 */
export async function warmUpBeside(
  runner: BatchRunner,
  slot: BatchSlot,
  sizes: readonly number[],
): Promise<CurvePoint[]> {
  const pixels = new Uint8Array(slot.memory);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 31 + (i >> 8) * 17) & 255;
  const curve: CurvePoint[] = [];
  for (const batch of sizes) {
    const durations: number[] = [];
    for (let n = 0; n < runs; n++) {
      const run: TurnRun = await runner.run(slot.index, batch);
      if (n > 0) durations.push(run.runMs);
      await delay(run.runMs * (1 / share - 1));
    }
    durations.sort((a, b) => a - b);
    const point = { batch, milliseconds: durations[durations.length >> 1]!, fastest: durations[0]! };
    const isBetter = isWorthwhile(point, curve);
    curve.push(point);
    if (!isBetter) break;
  }
  return curve;
}
