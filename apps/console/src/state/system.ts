import { signal, useSignalEffect } from "@preact/signals";
import type { HttpSystem } from "@sightline/contracts";
import { useEffect } from "preact/hooks";
import { getSystem } from "../api/calls.ts";
import { describeFailure } from "../api/request.ts";
import { me } from "./auth.ts";
import { connectionCount } from "./live.ts";

const periodMs = 3_000;

/** Workers, streams, models and findings from the last report; undefined until then. */
export const system = signal<HttpSystem | undefined>(undefined);
/** Why the last report failed; empty when it did not. */
export const systemFault = signal("");

let users = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let asking: AbortController | undefined;

/** Keeps `system` current while the component is shown and the page is visible. */
export function useSystem(): void {
  useEffect(() => {
    if (users++ === 0) document.addEventListener("visibilitychange", askNow);
    askNow();
    return () => {
      if (--users > 0) return;
      document.removeEventListener("visibilitychange", askNow);
      clearTimeout(timer);
      asking?.abort();
    };
  }, []);
  useSignalEffect(() => {
    if (connectionCount.value > 1) askNow();
  });
}

function askNow(): void {
  clearTimeout(timer);
  if (!document.hidden && me.peek()) void ask();
}

async function ask(): Promise<void> {
  asking?.abort();
  asking = new AbortController();
  const { signal: aborted } = asking;
  try {
    system.value = await getSystem(aborted);
    systemFault.value = "";
  } catch (error) {
    if (aborted.aborted) return;
    systemFault.value = describeFailure(error);
  }
  if (users > 0 && !aborted.aborted) timer = setTimeout(askNow, periodMs);
}
