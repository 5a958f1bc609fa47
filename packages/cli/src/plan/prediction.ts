/** How the machine handled some cameras for some seconds, in cores (seconds of processor time per second). */
export interface MachineObservation {
  cameras: number;
  /** Frames per second of all cameras together. */
  capturedFps: number;
  inferredFps: number;
  /** Ingest with its decoders, the model's worker, and NATS with results. */
  ingest: number;
  inference: number;
  transport: number;
  /** All programs on the machine. */
  machine: number;
}

/** The machine's cores, and the cost of cameras and frames on it. */
export interface MachineCosts {
  cores: number;
  /** Cores that other programs used during the measurement. */
  others: number;
  /** Cores that the services use without any camera. */
  standing: number;
  /** Cores per camera, for receiving and decoding. */
  perCamera: number;
  /** Seconds of processor time per inferred frame. */
  perFrame: { ingest: number; inference: number; transport: number };
  /** Frames per second that a camera sends. */
  cameraFps: number;
  /** Frames per second that the worker reached while cores were idle; undefined when the worker was not the limit. */
  workerFps: number | undefined;
}

/** The cameras and rates that the user wants. */
export interface Wish {
  cameras: number;
  /** Frames per second to infer per camera. */
  fps: number;
  /** Cores that other programs need; if undefined, what they used during the measurement. */
  reserve?: number | undefined;
}

/** The likely result of a wish. Rates are in frames per second over all cameras. */
export interface Prediction {
  fits: boolean;
  /** Needed share of what the machine has; above 1 it is not possible. */
  load: number;
  askedFps: number;
  inferredFps: number;
  /** Cores that each part needs for the cameras and frames of the wish. */
  cores: { decode: number; inference: number; transport: number };
  availableCores: number;
  limit: Limit;
  /** What would fit: a rate per camera; a number of cameras at the wanted rate; machines like this one; cores of this kind. */
  remedy: { fps: number; cameras: number; machines: number | undefined; cores: number };
}

/** What runs out first: cores for decoding, for the model, or for NATS and results; or the worker, while cores are idle. */
export type Limit = "decode" | "inference" | "transport" | "worker";

/** Plans leave this share free, for moments when the machine does something else. */
export const headroom = 0.1;
/** Floating-point tolerance: what just fits counts as fitting. */
const rounding = 1e-9;
/** Cores count as idle when more than this share of them is unused. */
const idle = 0.15;
/** The worker keeps up when it infers at least this share of the incoming frames. */
const keptUp = 0.95;

/**
 * The cost of cameras and frames, from observations of which the first had little load and the last as much as the machine can do. Work
 * takes longer when cores are shared, so the cost of a frame is measured from the first to the last.
 */
export function machineCosts(cores: number, observations: readonly MachineObservation[]): MachineCosts {
  const first = observations[0]!;
  const last = observations.at(-1)!;
  const sum = (of: (one: MachineObservation) => number) =>
    observations.reduce((total, one) => total + of(one), 0);
  const ingest = ingestCosts(observations);
  const inference = costOf("inference", first, last);
  const transport = costOf("transport", first, last);
  const isBehind =
    last !== first && last.machine < cores * (1 - idle) && last.inferredFps < keptUp * last.capturedFps;
  return {
    cores,
    others: Math.min(...observations.map(others)),
    standing: ingest.standing + inference.standing + transport.standing,
    perCamera: ingest.perCamera,
    perFrame: { ingest: ingest.perFrame, inference: inference.perFrame, transport: transport.perFrame },
    cameraFps: sum(({ capturedFps }) => capturedFps) / sum(({ cameras }) => cameras),
    workerFps: isBehind ? last.inferredFps : undefined,
  };
}

/** Cores that other programs used. */
export function others({ machine, ingest, inference, transport }: MachineObservation): number {
  return Math.max(0, machine - ingest - inference - transport);
}

/** The cost of a part that depends only on the number of frames. */
function costOf(
  part: "inference" | "transport",
  first: MachineObservation,
  last: MachineObservation,
): { standing: number; perFrame: number } {
  const more = last.inferredFps - first.inferredFps;
  if (more <= 0 || last[part] <= first[part]) return { standing: 0, perFrame: last[part] / last.inferredFps };
  const perFrame = (last[part] - first[part]) / more;
  return { standing: Math.max(0, first[part] - perFrame * first.inferredFps), perFrame };
}

/** Ingest's cost without a camera, per camera and per inferred frame, by least squares; none can be negative. */
function ingestCosts(observations: readonly MachineObservation[]): {
  standing: number;
  perCamera: number;
  perFrame: number;
} {
  const rows = observations.map(({ cameras, inferredFps }) => [1, cameras, inferredFps]);
  const wanted = observations.map(({ ingest }) => ingest);
  // Few parts and few observations: of all combinations of parts without negative costs, the best fit is taken.
  const choices = [[0, 1, 2], [1, 2], [0, 1], [0, 2], [1], [2]].filter(
    (parts) => parts.length <= observations.length,
  );
  const fits = choices.flatMap((parts) => {
    const found = leastSquares(
      rows.map((row) => parts.map((part) => row[part]!)),
      wanted,
    );
    if (!found?.every((cost) => cost >= 0)) return [];
    const costs = [0, 1, 2].map((part) => found[parts.indexOf(part)] ?? 0);
    const error = rows.reduce((sum, row, i) => {
      const told = row.reduce((total, value, part) => total + value * costs[part]!, 0);
      return sum + (told - wanted[i]!) ** 2;
    }, 0);
    return [{ costs, error }];
  });
  const best = fits.reduce((least, fit) => (fit.error < least.error - rounding ? fit : least));
  const [standing, perCamera, perFrame] = best.costs as [number, number, number];
  return { standing, perCamera, perFrame };
}

/** Solves the normal equations by elimination; undefined when the columns do not differ. */
function leastSquares(rows: readonly (readonly number[])[], wanted: readonly number[]): number[] | undefined {
  const size = rows[0]!.length;
  const matrix = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0)),
    rows.reduce((sum, row, k) => sum + row[i]! * wanted[k]!, 0),
  ]);
  for (let i = 0; i < size; i++) {
    const pivot = matrix[i]![i]!;
    if (Math.abs(pivot) < rounding * rows.length) return undefined;
    for (let k = 0; k < size; k++)
      if (k !== i) {
        const factor = matrix[k]![i]! / pivot;
        matrix[k] = matrix[k]!.map((value, column) => value - factor * matrix[i]![column]!);
      }
  }
  return matrix.map((row, i) => row[size]! / row[i]!);
}

/** How the machine will handle a number of cameras at a rate. */
export function predictLoad(costs: MachineCosts, { cameras, fps, reserve = costs.others }: Wish): Prediction {
  const { perCamera, perFrame, cameraFps, workerFps } = costs;
  const rate = fps === 0 ? cameraFps : Math.min(fps, cameraFps);
  const frame = perFrame.ingest + perFrame.inference + perFrame.transport;
  const available = Math.max(0, costs.cores - reserve - costs.standing);
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
      cores: Math.ceil(needed / planned + reserve + costs.standing - rounding),
    },
  };
}

function largest(cores: Prediction["cores"]): Exclude<Limit, "worker"> {
  const parts = Object.entries(cores) as [Exclude<Limit, "worker">, number][];
  return parts.reduce((most, part) => (part[1] > most[1] ? part : most))[0];
}
