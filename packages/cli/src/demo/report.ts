import { type Camera, cameraIdOf, ledgerJson } from "@sightline/contracts";
import { shorten } from "@sightline/contracts/api";
import type { Statistics } from "./statistics.ts";

/** The demo's result as `--json` prints it; times in milliseconds. */
export function report(cameras: readonly Camera[], statistics: Statistics) {
  return {
    cameras: cameras.map((camera) => {
      const id = cameraIdOf(camera.name) ?? camera.name;
      return {
        name: id,
        /** Most frames per second that the demo requests; 0 for all. */
        targetFps: camera.targetFps,
        ...ledgerJson(camera.status?.ledger),
        detections: statistics.cameras.get(id)?.detections ?? 0,
        /** Frames per second that the camera sent and the model analysed, over the last 5 s, counted by ingest. */
        capturedFps: shorten(camera.status?.captureFps ?? 0),
        inferredFps: shorten(camera.status?.inferenceFps ?? 0),
        /** Frames per second that reached the demo, from the first frame's capture to the last one's. */
        deliveredFps: statistics.fps(id),
      };
    }),
    latencyMs: statistics.latency(),
    executionProvider: statistics.inference?.executionProvider ?? null,
    model: statistics.inference?.model ?? null,
    precision: statistics.inference?.precision ?? null,
  };
}

/** The same in words, for the end of a demo on a terminal. */
export function summary(cameras: readonly Camera[], statistics: Statistics): string {
  const { cameras: each, latencyMs, ...inference } = report(cameras, statistics);
  const sum = (of: (camera: (typeof each)[number]) => number) =>
    each.reduce((total, camera) => total + of(camera), 0);
  const drops = new Map<string, number>();
  for (const { dropped } of each)
    for (const [reason, count] of Object.entries(dropped))
      drops.set(reason, (drops.get(reason) ?? 0) + count);
  const reasons = [...drops].filter(([, count]) => count > 0).map(([reason, count]) => `${count} ${reason}`);
  const dropped = [...drops.values()].reduce((total, count) => total + count, 0);
  const [captured, inferred, inFlight] = [
    sum((camera) => camera.captured),
    sum((camera) => camera.inferred),
    sum((camera) => camera.inFlight),
  ];
  const why = reasons.length > 0 ? ` (${reasons.join(", ")})` : "";
  return [
    `${each.length} camera${each.length === 1 ? "" : "s"}, ${sum((camera) => camera.deliveredFps).toFixed(1)} frames per second delivered by all together`,
    `frames      ${captured} captured = ${inferred} inferred + ${dropped} dropped${why} + ${inFlight} in flight`,
    `detections  ${sum((camera) => camera.detections)}`,
    `latency     ${latencyMs.p50.toFixed(0)} ms in the middle, ${latencyMs.p95.toFixed(0)} ms for 95% of the frames, from capture to here`,
    `model       ${inference.model ?? "none ran"}${inference.precision ? `, ${inference.precision} on ${inference.executionProvider}` : ""}`,
  ].join("\n");
}
