import { type ClearMot, clearMot } from "./clear-mot.ts";
import { type Hota, hota } from "./hota.ts";
import { type IdentityMetrics, identityMetrics } from "./identity.ts";
import { prepareSequence, type TrackedFrame } from "./tracked-frame.ts";

export type TrackingMetrics = ClearMot & IdentityMetrics & Hota;

/**
 * All metrics of one sequence and class; CLEAR-MOT and identity at IoU 0.5.
 *
 * @example
 * ```ts
 * const box = { xMin: 0, yMin: 0, xMax: 10, yMax: 20 };
 * const frame = { truth: [{ id: 7, box }], tracked: [{ id: 1, box }] };
 * const { mota, idf1, hota } = evaluateTracking([frame, frame]);
 * assert.deepEqual({ mota, idf1, hota }, { mota: 1, idf1: 1, hota: 1 });
 * ```
 */
export function evaluateTracking(frames: readonly TrackedFrame[]): TrackingMetrics {
  const sequence = prepareSequence(frames);
  return { ...clearMot(sequence, 0.5), ...identityMetrics(sequence, 0.5), ...hota(sequence) };
}
