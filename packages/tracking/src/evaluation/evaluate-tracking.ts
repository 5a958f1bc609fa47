import { type ClearMot, clearMot } from "./clear-mot.ts";
import { type Hota, hota } from "./hota.ts";
import { type IdentityMetrics, identityMetrics } from "./identity.ts";
import { prepareSequence, type TrackedFrame } from "./tracked-frame.ts";

export type TrackingMetrics = ClearMot & IdentityMetrics & Hota;

/** All metrics of one sequence and class; CLEAR-MOT and identity at IoU 0.5. */
export function evaluateTracking(frames: readonly TrackedFrame[]): TrackingMetrics {
  const sequence = prepareSequence(frames);
  return { ...clearMot(sequence, 0.5), ...identityMetrics(sequence, 0.5), ...hota(sequence) };
}
