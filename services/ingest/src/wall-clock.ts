/** performance.now() → milliseconds since the Unix epoch, to the microsecond. */
export function wallClock(monotonic: number): number {
  return performance.timeOrigin + monotonic;
}
