import { setMaxListeners } from "node:events";

/** Signals of which any one ends what is going on; what is undefined never does. */
export type AbortSources = readonly (AbortSignal | undefined)[];

/** Whether one of the signals has aborted. */
export function isAborted(sources: AbortSources): boolean {
  return sources.some((signal) => signal?.aborted);
}

/** Calls `listener` when one of the signals aborts, until the returned function is called. */
export function onAbort(sources: AbortSources, listener: () => void): () => void {
  for (const signal of sources) {
    if (!signal) continue;
    // Any number of loops and calls may share a signal; Node.js 20 warns from the eleventh on.
    setMaxListeners(0, signal);
    signal.addEventListener("abort", listener);
  }
  return () => {
    for (const signal of sources) signal?.removeEventListener("abort", listener);
  };
}

/** Waits, at most until one of the signals aborts. */
export async function waitUnlessAborted(milliseconds: number, sources: AbortSources): Promise<void> {
  if (isAborted(sources)) return;
  let release: (() => void) | undefined;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    release = onAbort(sources, () => {
      clearTimeout(timer);
      resolve();
    });
  });
  release?.();
}
