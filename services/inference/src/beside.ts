import { setTimeout as delay } from "node:timers/promises";
import type { CurvePoint } from "./batch-curve.ts";
import type { BatchRunner, TurnRun } from "./batch-runner.ts";
import type { BatchSlot } from "./batch-slots.ts";

/** A model beside another may take this share of the time while it warms up. */
const share = 1 / 2;
/** Runs of each size; the first is not counted. */
const runs = 3;

/**
 * Warms a session up beside one that serves, in turns with it, and tries it out: a picture that is not plain must give an output
 * that is all numbers. Measures runs of one frame and of `batchSize`, the most that it will be given.
 * @throws BatchFailedError why the model does not answer
 */
export async function warmUpBeside(
  runner: BatchRunner,
  slot: BatchSlot,
  batchSize: number,
): Promise<CurvePoint[]> {
  const pixels = new Uint8Array(slot.memory);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 31 + (i >> 8) * 17) & 255;
  const curve: CurvePoint[] = [];
  for (const batch of new Set([1, batchSize])) {
    const durations: number[] = [];
    for (let n = 0; n < runs; n++) {
      const run: TurnRun = await runner.run(slot.index, batch);
      if (n > 0) durations.push(run.runMs);
      await delay(run.runMs * (1 / share - 1));
    }
    durations.sort((a, b) => a - b);
    curve.push({ batch, milliseconds: durations[durations.length >> 1]!, fastest: durations[0]! });
  }
  return curve;
}
