import { type ReadonlySignal, useSignal } from "@preact/signals";
import { describeFailure } from "../api/request.ts";

export interface Action {
  busy: ReadonlySignal<boolean>;
  /** Why the last attempt failed; empty when it did not. */
  fault: ReadonlySignal<string>;
  /** Does the work; returns whether it succeeded. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
}

/** Something that a person asks the server for, and what came of it. */
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
