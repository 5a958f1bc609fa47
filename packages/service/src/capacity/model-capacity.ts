import type { WorkerInfo } from "@sightline/contracts";

type Curve = Readonly<WorkerInfo["batchCurve"]>;

/** Below this share of busy time what ran says too little of how fast the worker is. */
const leastBusy = 0.2;

/** Expected milliseconds of a run of `batch` frames, between and beyond the measured points in proportion. */
export function runMs(curve: Curve, batch: number): number {
  const above = curve.find((point) => point.batch >= batch);
  const below = curve.findLast((point) => point.batch <= batch);
  if (!above) return (below!.milliseconds * batch) / below!.batch;
  if (!below || below === above) return (above.milliseconds * batch) / above.batch;
  const share = (batch - below.batch) / (above.batch - below.batch);
  return below.milliseconds + share * (above.milliseconds - below.milliseconds);
}

/**
 * Frames per second that the workers of a model can run, of full batches: as measured when the model was loaded, corrected by how long runs take
 * now. Where a worker serves several models, each has its turn: an equal part of the time. Undefined when nothing of it is known.
 */
export function modelCapacity(workers: readonly WorkerInfo[], model: string): number | undefined {
  const serving = workers.filter((worker) => worker.model === model && worker.batchCurve.length > 0);
  if (serving.length === 0) return undefined;
  return serving.reduce((sum, worker) => {
    const lanes = lanesOf(worker, workers);
    const { batchSize, batchCurve, sessions = 1 } = worker;
    const ms = runMs(batchCurve, batchSize) * slowness(lanes);
    return sum + (sessions * batchSize * 1000) / (ms * lanes.length);
  }, 0);
}

/** All that runs in the worker's process: its first model and those that it has loaded, which have their name behind the worker's. */
function lanesOf({ id, model }: WorkerInfo, workers: readonly WorkerInfo[]): WorkerInfo[] {
  const isLane = (lane: WorkerInfo, main: string) => lane.id === `${main}-${lane.model}`;
  const main = workers.find((other) => id === `${other.id}-${model}`)?.id ?? id;
  return workers.filter((each) => each.id === main || isLane(each, main));
}

/**
 * How many times longer runs take now than when they were measured; 1 when too few have run to tell. Those of several sessions were measured
 * beside each other: that they are shorter while one runs alone is no room for more.
 */
function slowness(lanes: readonly WorkerInfo[]): number {
  const busy = lanes[0]?.utilization ?? 0;
  const expected = lanes.reduce((sum, { framesPerSecond, meanBatchSize, batchCurve, sessions = 1 }) => {
    if (meanBatchSize === 0 || batchCurve.length === 0) return sum;
    return sum + ((framesPerSecond / meanBatchSize) * runMs(batchCurve, meanBatchSize)) / 1000 / sessions;
  }, 0);
  if (busy < leastBusy || expected === 0) return 1;
  const least = lanes.some(({ sessions = 1 }) => sessions > 1) ? 1 : 0;
  return Math.max(least, busy / expected);
}
