import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { describeFailure } from "../api/request.ts";

export interface Fetched<T> {
  /** Undefined until it has come. */
  value: ReadonlySignal<T | undefined>;
  /** Why it has not; empty when it has. */
  fault: ReadonlySignal<string>;
  reload: () => void;
}

/** What the server answers, asked for when the component is first shown and with each `reload`. */
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
