import { type Camera, cameraIdOf, dropReasonLabel } from "@sightline/contracts";
import type { Statistics } from "./statistics.ts";

/** The demo's result as printed by `--json`. */
export function report(cameras: readonly Camera[], statistics: Statistics) {
  return {
    cameras: cameras.map((camera) => {
      const id = cameraIdOf(camera.name) ?? camera.name;
      const ledger = camera.status?.ledger;
      return {
        name: id,
        captured: ledger?.captured ?? 0,
        inferred: ledger?.inferred ?? 0,
        dropped: Object.fromEntries(
          (ledger?.dropped ?? []).map(({ reason, count }) => [dropReasonLabel(reason), count]),
        ),
        inFlight: ledger?.inFlight ?? 0,
        detections: statistics.cameras.get(id)?.detections ?? 0,
        fps: statistics.fps(id),
      };
    }),
    latencyMs: statistics.latency(),
    executionProvider: statistics.inference?.executionProvider ?? null,
    model: statistics.inference?.model ?? null,
    precision: statistics.inference?.precision ?? null,
  };
}
