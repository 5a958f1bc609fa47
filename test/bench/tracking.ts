import { parseArgs } from "node:util";
import { CameraAnalysis } from "@sightline/analysis";
import { type CameraRules, FrameDetections, makeDetection, toTimestamp } from "@sightline/contracts";
import { parseRules } from "@sightline/rules";
import { evaluateTracking, Tracker } from "@sightline/tracking";
import { fullScene, scene, sceneNames, type TrackedScene, trackScene } from "@sightline/tracking/testing";
import { quantile } from "./measure.ts";

const picture = { width: 1280, height: 720 };

/** Twenty rules over ten zones of eight corners, a line and the whole picture. */
function manyRules(): CameraRules {
  const zones = Array.from({ length: 10 }, (_, index) => {
    const [x, y] = [(index % 5) / 5 + 0.1, Math.floor(index / 5) / 2 + 0.25];
    const polygon = Array.from({ length: 8 }, (_, corner) => {
      const angle = (corner / 8) * 2 * Math.PI;
      return [x + 0.09 * Math.cos(angle), y + 0.2 * Math.sin(angle)];
    });
    return { name: `zone ${index + 1}`, polygon };
  });
  const rules = zones.flatMap(({ name }, index) => [
    { type: "entered_zone", zone: name },
    index % 2 === 0
      ? { type: "dwelled", zone: name, min_dwell_seconds: 2 }
      : { type: "count_above", zone: name, count: 5 },
  ]);
  return parseRules({ zones, rules });
}

function toFrame(scene: TrackedScene, index: number): FrameDetections {
  const { timeMs, observations } = scene.frames[index]!;
  return FrameDetections.fromPartial({
    frame: {
      camera: "cameras/bench",
      epoch: "bench",
      number: index + 1,
      captureTime: toTimestamp(timeMs),
      ptsUs: Math.round(timeMs * 1000),
    },
    detections: observations.map(({ classId, score, box: { xMin, yMin, xMax, yMax } }) =>
      makeDetection({ classId, className: "person", score, box: [xMin, yMin, xMax, yMax] }, picture),
    ),
  });
}

/** Milliseconds of each call after a warm-up of a quarter of them. */
function timed(count: number, run: (index: number) => void) {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const startedAt = performance.now();
    run(index);
    if (index >= count / 4) times.push(performance.now() - startedAt);
  }
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) };
}

function cost(objects: number) {
  const scene = fullScene(objects);
  const frames = scene.frames.map((_, index) => toFrame(scene, index));
  const tracker = new Tracker();
  const tracking = timed(scene.frames.length, (index) => {
    const { timeMs, observations } = scene.frames[index]!;
    tracker.update(timeMs, observations);
  });
  const analysis = new CameraAnalysis("bench", "bench");
  analysis.rulesChanged({ time: toTimestamp(0), rules: manyRules() });
  const withRules = timed(frames.length, (index) => void analysis.frame(frames[index]!));
  return { objects, trackerMs: tracking, analysisWith20RulesMs: withRules };
}

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const percent = (share: number) => Math.round(share * 1000) / 10;
const scenes = sceneNames.map((name) => {
  const {
    mota,
    idf1,
    hota,
    identitySwitches: switches,
  } = evaluateTracking(trackScene(scene(name), { lowScoreFindsLost: true }));
  return { scene: name, mota: percent(mota), idf1: percent(idf1), hota: percent(hota), switches };
});
const costs = [10, 100].map(cost);
if (values.json) console.log(JSON.stringify({ scenes, costs }));
else {
  console.table(scenes);
  for (const { objects, trackerMs, analysisWith20RulesMs } of costs)
    console.log(
      `${objects} objects: tracker p50 ${trackerMs.p50.toFixed(2)} / p95 ${trackerMs.p95.toFixed(2)} ms a frame, ` +
        `with 20 rules p50 ${analysisWith20RulesMs.p50.toFixed(2)} / p95 ${analysisWith20RulesMs.p95.toFixed(2)} ms`,
    );
}
