const firstMs = 500;
const longestMs = 10_000;

/** Milliseconds to wait before attempt `attempt` (from 0), with up to a fifth taken off by `random` in 0..1, so that
 * many browsers do not come back to a restarted server at once. */
export function backoffMs(attempt: number, random: number): number {
  return Math.min(longestMs, firstMs * 2 ** attempt) * (1 - 0.2 * random);
}
