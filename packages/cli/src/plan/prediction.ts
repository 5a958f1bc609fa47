/** What the machine did with some cameras for some seconds, in cores (seconds of processor time a second). */
export interface Observation {
  cameras: number;
  /** Frames per second of all cameras together. */
  capturedFps: number;
  inferredFps: number;
  /** Of ingest with what decodes for it, the model's worker, and NATS with results. */
  ingest: number;
  inference: number;
  transport: number;
  /** Of all programs of the machine. */
  machine: number;
}

/** What this machine has, and what cameras and frames cost it. */
export interface MachineCosts {
  cores: number;
  /** Cores that other programs took meanwhile. */
  others: number;
  /** Cores that one camera takes: receiving and decoding it. */
  perCamera: number;
  /** Seconds of processor time that one inferred frame takes. */
  perFrame: { ingest: number; inference: number; transport: number };
  /** Frames per second that a camera sends. */
  cameraFps: number;
  /** Frames per second that the worker reached while cores were idle; undefined when it was not what limits. */
  workerFps: number | undefined;
}

/** Cores that are asked for. */
export interface Wish {
  cameras: number;
  /** Frames per second to infer of each camera. */
  fps: number;
  /** Cores that other programs need; what they took while measuring when undefined. */
  reserve?: number | undefined;
}

/** What is likely to become of a wish. Rates in frames per second of all cameras together. */
export interface Prediction {
  fits: boolean;
  /** Share of what the machine has that is asked of it; beyond 1 it cannot be done. */
  load: number;
  askedFps: number;
  inferredFps: number;
  /** Cores that each part takes if all is done as asked. */
  cores: { decode: number; inference: number; transport: number };
  availableCores: number;
  limit: Limit;
  /** What would fit: a rate per camera; a number of cameras at the rate asked for; machines like this one; cores of this kind. */
  remedy: { fps: number; cameras: number; machines: number | undefined; cores: number };
}

/** What there is too little of first: cores for decoding, for the model or for NATS and results; or the worker, while cores are idle. */
export type Limit = "decode" | "inference" | "transport" | "worker";

/** What is planned leaves so much free, for a moment when the machine does something else. */
export const headroom = 0.1;
/** Of floating point: what just fits, fits. */
const rounding = 1e-9;
/** Cores are taken for idle when more than this share of them is. */
const idle = 0.15;
/** The worker keeps up when it infers at least this share of what comes. */
const keptUp = 0.95;

/**
 * What cameras and frames cost, from observations of which the later ones asked as much of the machine as it can do: work takes longer
 * where cores are shared, so costs are those under load.
 */
export function machineCosts(cores: number, observations: readonly Observation[]): MachineCosts {
  const isBusy = ({ machine }: Observation) => machine >= cores * (1 - idle);
  const busy = observations.filter(isBusy);
  const used = busy.length >= 2 ? busy : observations;
  const sum = (of: (one: Observation) => number) => used.reduce((total, one) => total + of(one), 0);
  const { perCamera, perFrame } = ingestCosts(used);
  const behind = observations.filter((one) => !isBusy(one) && one.inferredFps < keptUp * one.capturedFps);
  // The first one asked for less than the cameras send.
  const overfull = behind.filter((one) => one !== observations[0]);
  return {
    cores,
    others: sum(others) / used.length,
    perCamera,
    perFrame: {
      ingest: perFrame,
      inference: sum(({ inference }) => inference) / sum(({ inferredFps }) => inferredFps),
      transport: sum(({ transport }) => transport) / sum(({ inferredFps }) => inferredFps),
    },
    cameraFps: sum(({ capturedFps }) => capturedFps) / sum(({ cameras }) => cameras),
    workerFps: overfull.length > 0 ? Math.max(...overfull.map(({ inferredFps }) => inferredFps)) : undefined,
  };
}

/** Cores that other programs took. */
export function others({ machine, ingest, inference, transport }: Observation): number {
  return Math.max(0, machine - ingest - inference - transport);
}

/** Ingest's share per camera and per inferred frame, by least squares; neither can be less than nothing. */
function ingestCosts(observations: readonly Observation[]): { perCamera: number; perFrame: number } {
  const sum = (of: (one: Observation) => number) => observations.reduce((total, one) => total + of(one), 0);
  const [cc, cf, ff] = [
    sum(({ cameras }) => cameras ** 2),
    sum(({ cameras, inferredFps }) => cameras * inferredFps),
    sum(({ inferredFps }) => inferredFps ** 2),
  ];
  const [ci, fi] = [
    sum(({ cameras, ingest }) => cameras * ingest),
    sum(({ inferredFps, ingest }) => inferredFps * ingest),
  ];
  const determinant = cc * ff - cf ** 2;
  const perCamera = (ci * ff - fi * cf) / determinant;
  const perFrame = (fi * cc - ci * cf) / determinant;
  if (!(determinant > 1e-9 * cc * ff) || perFrame < 0) return { perCamera: ci / cc, perFrame: 0 };
  return perCamera < 0 ? { perCamera: 0, perFrame: fi / ff } : { perCamera, perFrame };
}

/** What the machine will make of a number of cameras at a rate. */
export function predict(costs: MachineCosts, { cameras, fps, reserve = costs.others }: Wish): Prediction {
  const { perCamera, perFrame, cameraFps, workerFps } = costs;
  const rate = fps === 0 ? cameraFps : Math.min(fps, cameraFps);
  const frame = perFrame.ingest + perFrame.inference + perFrame.transport;
  const available = Math.max(0, costs.cores - reserve);
  const asked = cameras * rate;
  const most = Math.min(Math.max(0, (available - cameras * perCamera) / frame), workerFps ?? Infinity);
  const cores = {
    decode: cameras * perCamera + asked * perFrame.ingest,
    inference: asked * perFrame.inference,
    transport: asked * perFrame.transport,
  };
  const needed = cores.decode + cores.inference + cores.transport;
  const byCores = needed / available;
  const byWorker = workerFps === undefined ? 0 : asked / workerFps;
  const load = Math.max(byCores, byWorker);
  const planned = 1 - headroom;
  const fittingFps =
    Math.min((planned * available - cameras * perCamera) / frame, planned * (workerFps ?? Infinity)) /
    cameras;
  const fitting = Math.floor(
    Math.min((planned * available) / (perCamera + rate * frame), (planned * (workerFps ?? Infinity)) / rate) +
      rounding,
  );
  return {
    fits: load <= planned + rounding,
    load,
    askedFps: asked,
    inferredFps: Math.min(asked, most),
    cores,
    availableCores: available,
    limit: byWorker > byCores ? "worker" : largest(cores),
    remedy: {
      fps: Math.max(0, Math.floor(fittingFps * 10 + rounding) / 10),
      cameras: fitting,
      machines: fitting === 0 ? undefined : Math.ceil(cameras / fitting),
      cores: Math.ceil(needed / planned + reserve - rounding),
    },
  };
}

function largest(cores: Prediction["cores"]): Exclude<Limit, "worker"> {
  const parts = Object.entries(cores) as [Exclude<Limit, "worker">, number][];
  return parts.reduce((most, part) => (part[1] > most[1] ? part : most))[0];
}
