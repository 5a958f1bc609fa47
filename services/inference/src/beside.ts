import { setTimeout as delay } from "node:timers/promises";
import { type BatchGoal, type CurvePoint, chooseBatchSize } from "./batch-curve.ts";
import type { BatchSlot } from "./batch-slots.ts";
import type { ModelTurns } from "./turns.ts";

/** A model may use this share of the time while it warms up beside another. */
const share = 1 / 2;
/** How long a run waits for a moment when nobody else wants to run; after that it takes its turn. */
const idleLimitMs = 200;

/**
 * Warms a session up beside one that serves, taking turns with it, and tests it: a picture that is not uniform must give an
 * output in which all values are finite numbers. Measures `runs` runs of each of `sizes`, smallest first and after one run
 * that is not counted, up to the first size that is not worth its latency.
 * @throws WorkerError batch_failed with the reason why the model does not answer
 */
export async function warmUpBeside(
  runner: Pick<ModelTurns, "run" | "runIdle">,
  slot: BatchSlot,
  sizes: readonly number[],
  runs: number,
  goal: BatchGoal,
): Promise<CurvePoint[]> {
  fillUneven(new Uint8Array(slot.memory));
  const curve: CurvePoint[] = [];
  for (const batch of sizes) {
    const durations: number[] = [];
    for (let n = 0; n <= runs; n++) {
      const run =
        (await runner.runIdle(slot.index, batch, idleLimitMs)) ?? (await runner.run(slot.index, batch));
      if (n > 0) durations.push(run.runMs);
      await delay(run.runMs * (1 / share - 1));
    }
    durations.sort((a, b) => a - b);
    const point = { batch, milliseconds: durations[durations.length >> 1]!, fastest: durations[0]! };
    curve.push(point);
    if (chooseBatchSize(curve, goal) !== batch) break;
  }
  return curve;
}

/** Bytes after which the picture repeats: not a multiple of a row, so that rows differ. */
const patternBytes = 65_521;

/**
 * A slot can hold many megabytes, and the serving model's frames wait for this thread, so most of it is copied and not
 * computed.
 */
function fillUneven(pixels: Uint8Array): void {
  const end = Math.min(patternBytes, pixels.length);
  for (let i = 0; i < end; i++) pixels[i] = (i * 31 + (i >> 8) * 17) & 255;
  for (let filled = end; filled < pixels.length; filled *= 2) pixels.copyWithin(filled, 0, filled);
}
