import {
  type Camera,
  CameraReason,
  CameraState,
  cameraIdOf,
  enumName,
  type FrameDetections,
} from "@sightline/contracts";
import { roundedPercentiles, type Statistics } from "./statistics.ts";

const columns = [
  ["CAMERA", 12],
  ["STATE", 11],
  ["CAPTURED", 9],
  ["INFERRED", 9],
  ["DROPPED", 8],
  ["IN FLIGHT", 10],
  ["DELIVERED FPS", 13],
  ["LATENCY p50/p95", 16],
  ["LAST SEEN", 0],
] as const;

/** What the columns mean, in two lines. */
export const tableHelp = `CAPTURED, INFERRED, DROPPED, IN FLIGHT: frames since the start. DELIVERED FPS: frames per second with detections that
reached this terminal, by their capture times. LATENCY: from capture to here, of the last 100 frames.`;

/** A table of the cameras' current state: a line of headings, then one line each. */
export function table(cameras: readonly Camera[], statistics: Statistics): string {
  return [columns.map(([name]) => name), ...cameras.map((camera) => row(camera, statistics))]
    .map(line)
    .join("\n");
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i >= 2 && i <= 7 ? cell.padStart(columns[i]![1]) : cell.padEnd(columns[i]?.[1] ?? 0)))
    .join(" ")
    .trimEnd();
}

function row(camera: Camera, statistics: Statistics): string[] {
  const id = cameraIdOf(camera.name) ?? camera.name;
  const ledger = camera.status?.ledger;
  const dropped = ledger?.dropped.reduce((sum, { count }) => sum + count, 0) ?? 0;
  const seen = statistics.cameras.get(id);
  const latency = roundedPercentiles(seen?.latencies.slice(-100) ?? []);
  return [
    id,
    stateName(camera),
    String(ledger?.captured ?? 0),
    String(ledger?.inferred ?? 0),
    String(dropped),
    String(ledger?.inFlight ?? 0),
    statistics.fps(id).toFixed(1),
    `${latency.p50.toFixed(0)}/${latency.p95.toFixed(0)} ms`,
    ` ${seen ? summary(seen.last) : (camera.status?.message ?? "")}`,
  ];
}

function stateName(camera: Camera): string {
  const { state = CameraState.PENDING, reason = CameraReason.UNSPECIFIED } = camera.status ?? {};
  return enumName(CameraReason, reason) || enumName(CameraState, state) || "unknown";
}

/** The detections of one frame in words: `5 person (best 0.91)`. */
function summary(event: FrameDetections): string {
  const classes = new Map<string, { count: number; best: number }>();
  for (const { className, score } of event.detections) {
    const entry = classes.get(className) ?? { count: 0, best: 0 };
    classes.set(className, { count: entry.count + 1, best: Math.max(entry.best, score) });
  }
  if (classes.size === 0) return "nothing";
  return [...classes]
    .map(([name, { count, best }]) => `${count} ${name} (best ${best.toFixed(2)})`)
    .join(", ");
}
