import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { describeFailure } from "../api/request.ts";

export interface Action {
  busy: ReadonlySignal<boolean>;
  /** Why the last attempt failed; empty when it did not. */
  fault: ReadonlySignal<string>;
  /** Runs the work; returns whether it succeeded. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
}

/** An action that a person requests from the server, and its outcome. */
export function useAction(): Action {
  const busy = useSignal(false);
  const fault = useSignal("");
  const run = async (work: () => Promise<unknown>) => {
    busy.value = true;
    fault.value = "";
    try {
      await work();
      return true;
    } catch (error) {
      fault.value = describeFailure(error);
      return false;
    } finally {
      busy.value = false;
    }
  };
  return { busy, fault, run };
}

interface Fetched<T> {
  /** Undefined until it has arrived. */
  value: ReadonlySignal<T | undefined>;
  /** Why it has not arrived; empty when it has. */
  fault: ReadonlySignal<string>;
  reload: () => void;
}

/** The server's answer, requested when the component is first shown and with each `reload`. */
export function useFetched<T>(fetch: (signal: AbortSignal) => Promise<T>): Fetched<T> {
  const value = useSignal<T | undefined>(undefined);
  const fault = useSignal("");
  const round = useSignal(0);
  useEffect(() => {
    const aborted = new AbortController();
    fetch(aborted.signal).then(
      (answer) => {
        value.value = answer;
        fault.value = "";
      },
      (error) => {
        if (!aborted.signal.aborted) fault.value = describeFailure(error);
      },
    );
    return () => aborted.abort();
  }, [round.value]);
  return { value, fault, reload: () => round.value++ };
}

const periodMs = 3_000;

/** Like `useFetched`, but repeated while the page is visible. */
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
