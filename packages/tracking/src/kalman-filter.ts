/**
 * The constant-velocity Kalman filter of SORT, DeepSORT and ByteTrack over (centre x, centre y, aspect = width /
 * height, height), with time in it.
 *
 * The reference keeps an 8×8 covariance. Its initial covariance and both noises are diagonal, and its motion
 * couples each quantity with its own velocity only, so that matrix is four independent 2×2 blocks at all times.
 * This filter stores just those: per quantity the value, its velocity, and the covariance (pp, pv, vv). The numbers are the
 * reference's; the work is a few dozen multiplications.
 *
 * Velocities are per nominal interval. `steps` is the time passed in nominal intervals and need not be whole.
 */
export const filterLength = 20;

const fields = 5;
const value = 0;
const velocity = 1;
const pp = 2;
const pv = 3;
const vv = 4;

const aspect = 2;
const height = 3;
const quantities = 4;

/** DeepSORT's `_std_weight_position` and `_std_weight_velocity`, relative to the object's height. */
const positionWeight = 1 / 20;
const velocityWeight = 1 / 160;
const aspectVelocityStd = 1e-5;

export type FilterState = Float64Array;

/** A filter that has seen one box: at rest, with the reference's initial uncertainty. */
export function startFilter(x: number, y: number, aspectRatio: number, boxHeight: number): FilterState {
  const state = new Float64Array(filterLength);
  const measured = [x, y, aspectRatio, boxHeight];
  for (let q = 0; q < quantities; q++) {
    const at = q * fields;
    state[at + value] = measured[q]!;
    state[at + pp] = (q === aspect ? 1e-2 : 2 * positionWeight * boxHeight) ** 2;
    state[at + vv] = (q === aspect ? aspectVelocityStd : 10 * velocityWeight * boxHeight) ** 2;
  }
  return state;
}

/**
 * Moves the filter `steps` nominal intervals ahead, in place. For a whole number of steps the result is that of
 * as many reference predictions (the height that scales the noise held constant); in between, the same polynomials
 * in `steps`: the noise added by k predictions, Σ FⁱQFⁱᵀ for i < k, has the entries pp = k·qp + qv·(k−1)k(2k−1)/6,
 * pv = qv·k(k−1)/2, vv = k·qv, which stay positive semi-definite for every real k ≥ 0 as qp ≥ qv/12.
 * @param steady keep the height. The reference does so for lost tracks, because their growth cannot be trusted
 */
export function predict(state: FilterState, steps: number, steady: boolean): void {
  const boxHeight = state[height * fields + value]!;
  if (steady) state[height * fields + velocity] = 0;
  const sumOfSquares = ((steps - 1) * steps * (2 * steps - 1)) / 6;
  const sum = (steps * (steps - 1)) / 2;
  for (let q = 0; q < quantities; q++) {
    const at = q * fields;
    const positionNoise = (q === aspect ? 1e-2 : positionWeight * boxHeight) ** 2;
    const velocityNoise = (q === aspect ? aspectVelocityStd : velocityWeight * boxHeight) ** 2;
    state[at + value]! += steps * state[at + velocity]!;
    state[at + pp]! +=
      steps * (2 * state[at + pv]! + steps * state[at + vv]!) +
      steps * positionNoise +
      sumOfSquares * velocityNoise;
    state[at + pv]! += steps * state[at + vv]! + sum * velocityNoise;
    state[at + vv]! += steps * velocityNoise;
  }
}

/** Corrects the filter with a measured box, in place. */
export function correct(
  state: FilterState,
  x: number,
  y: number,
  aspectRatio: number,
  boxHeight: number,
): void {
  const measurementStd = positionWeight * state[height * fields + value]!;
  correctQuantity(state, 0, x, measurementStd);
  correctQuantity(state, 1, y, measurementStd);
  correctQuantity(state, aspect, aspectRatio, 1e-1);
  correctQuantity(state, height, boxHeight, measurementStd);
}

function correctQuantity(state: FilterState, quantity: number, measured: number, std: number): void {
  const at = quantity * fields;
  const innovation = measured - state[at + value]!;
  const innovationVariance = state[at + pp]! + std * std;
  const gain = state[at + pp]! / innovationVariance;
  const velocityGain = state[at + pv]! / innovationVariance;
  state[at + value]! += gain * innovation;
  state[at + velocity]! += velocityGain * innovation;
  state[at + vv]! -= velocityGain * state[at + pv]!;
  state[at + pv]! -= gain * state[at + pv]!;
  state[at + pp]! -= gain * state[at + pp]!;
}

/** Expresses the filter's velocities in another nominal interval, `ratio` times as long. */
export function rescaleTime(state: FilterState, ratio: number): void {
  for (let at = 0; at < filterLength; at += fields) {
    state[at + velocity]! *= ratio;
    state[at + pv]! *= ratio;
    state[at + vv]! *= ratio * ratio;
  }
}

/** Where the filter holds the centre, the shape and the velocity of the centre (pixels per nominal interval). */
export const filterAt = {
  x: value,
  y: fields + value,
  aspect: aspect * fields + value,
  height: height * fields + value,
  velocityX: velocity,
  velocityY: fields + velocity,
} as const;
