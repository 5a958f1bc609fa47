/**
 * Seconds to wait after the given attempt (from 1) has failed: between a half and the whole of a time that doubles, so that
 * those who failed together do not come back together.
 */
export function retryDelay(attempt: number, firstSeconds: number, mostSeconds: number): number {
  const whole = Math.min(mostSeconds, firstSeconds * 2 ** Math.min(attempt - 1, 30));
  return whole * (0.5 + Math.random() / 2);
}
