/** Milliseconds of the process's monotonic clock; the same in every thread, unlike performance.now(). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Wall clock in milliseconds since the Unix epoch, finer than Date.now(). */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now();
}
