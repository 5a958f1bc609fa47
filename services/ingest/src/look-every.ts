/** By period: what looks so often, all at the same moments, so that a process with many cameras wakes up no more often for them. */
const looks = new Map<number, { timer: NodeJS.Timeout; all: Set<() => void> }>();

/**
 * Runs `look` each `everyMs` until the returned function is called. A process that was held up for a while first reads what came meanwhile:
 * only then is the silence the camera's.
 */
export function lookEvery(everyMs: number, look: () => void): () => void {
  const all = looks.get(everyMs)?.all ?? new Set();
  // A function of its own: the same one may look for two.
  const own = () => look();
  all.add(own);
  if (!looks.has(everyMs)) {
    const lookAll = () => {
      for (const each of all) each();
    };
    looks.set(everyMs, { timer: setInterval(() => setImmediate(lookAll), everyMs), all });
  }
  return () => {
    if (!all.delete(own) || all.size > 0) return;
    clearInterval(looks.get(everyMs)?.timer);
    looks.delete(everyMs);
  };
}
