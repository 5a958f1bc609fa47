/**
 * By period: all checks of the same period run together, so that a process with many cameras does not wake up more often.
 */
const looks = new Map<number, { timer: NodeJS.Timeout; all: Set<() => void> }>();

/**
 * Runs `look` every `everyMs` until the returned function is called. A process that was held up first reads what has come
 * in the meantime; only then does silence count against the camera.
 */
export function lookEvery(everyMs: number, look: () => void): () => void {
  const all = looks.get(everyMs)?.all ?? new Set();
  // A function of its own, because the same `look` may be registered twice.
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
