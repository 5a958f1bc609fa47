import type { ClassAgreement, ModelShadow, ShadowMessage, ShadowReport } from "@sightline/contracts";

/** Frames that are kept with their boxes and pictures. */
export const biggestKept = 8;

export function emptyReport(shadow: ModelShadow): ShadowReport {
  return {
    ...{ shadow, frames: 0, workers: {}, classes: {}, biggest: [], cameraBatches: 0 },
    cameraLatency: { count: 0, sumMs: 0, maxMs: 0 },
    shadowLatency: { count: 0, sumMs: 0, maxMs: 0 },
  };
}

/** One message of a worker as a report. */
export function reportOf(shadow: ModelShadow, message: ShadowMessage, hasPicture: boolean): ShadowReport {
  const empty = emptyReport(shadow);
  if (message.kind === "state") {
    const { worker, state, dropped, message: why } = message;
    return {
      ...empty,
      workers: { [worker]: { state, dropped, ...(why === undefined ? {} : { message: why }) } },
    };
  }
  const { frame, classes, camera, shadow: other, cameraMs, cameraBatch, shadowMs } = message;
  return {
    ...empty,
    ...{ frames: 1, camera, other, classes, cameraBatches: cameraBatch },
    cameraLatency: { count: 1, sumMs: cameraMs, maxMs: cameraMs },
    shadowLatency: { count: 1, sumMs: shadowMs, maxMs: shadowMs },
    biggest: frame.difference > 0 ? [{ ...frame, hasPicture }] : [],
  };
}

/** Combines two reports of one shadow; the second one's facts about workers and models are the newer. */
export function mergeReports(one: ShadowReport, two: ShadowReport): ShadowReport {
  const classes: Record<string, ClassAgreement> = { ...one.classes };
  for (const [name, more] of Object.entries(two.classes)) {
    const had = Object.hasOwn(classes, name) ? classes[name]! : undefined;
    classes[name] = had ? sum(had, more) : more;
  }
  const biggest = [...one.biggest, ...two.biggest].sort((a, b) => b.difference - a.difference);
  return {
    ...one,
    ...(two.camera ? { camera: two.camera } : {}),
    ...(two.other ? { other: two.other } : {}),
    frames: one.frames + two.frames,
    workers: { ...one.workers, ...two.workers },
    classes,
    cameraLatency: latencies(one.cameraLatency, two.cameraLatency),
    shadowLatency: latencies(one.shadowLatency, two.shadowLatency),
    cameraBatches: one.cameraBatches + two.cameraBatches,
    biggest: biggest.slice(0, biggestKept),
  };
}

function sum(one: ClassAgreement, two: ClassAgreement): ClassAgreement {
  return {
    both: one.both + two.both,
    gained: one.gained + two.gained,
    lost: one.lost + two.lost,
    scoreChange: one.scoreChange + two.scoreChange,
    scoreDistance: one.scoreDistance + two.scoreDistance,
  };
}

function latencies(
  one: ShadowReport["cameraLatency"],
  two: ShadowReport["cameraLatency"],
): ShadowReport["cameraLatency"] {
  return {
    count: one.count + two.count,
    sumMs: one.sumMs + two.sumMs,
    maxMs: Math.max(one.maxMs, two.maxMs),
  };
}
