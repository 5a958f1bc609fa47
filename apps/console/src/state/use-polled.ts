import { useEffect } from "preact/hooks";
import { type Fetched, useFetched } from "./use-fetched.ts";

const periodMs = 3_000;

/** As `useFetched`, and again and again while the page is visible. */
export function usePolled<T>(fetch: (signal: AbortSignal) => Promise<T>): Fetched<T> {
  const fetched = useFetched(fetch);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) fetched.reload();
    }, periodMs);
    return () => clearInterval(timer);
  }, []);
  return fetched;
}
