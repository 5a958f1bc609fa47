import type { HttpShadow } from "@sightline/contracts";

/** Whether it runs, and what keeps it from running. */
export function stateWords({ endedTime, workers }: HttpShadow): string {
  if (endedTime) return "ended";
  if (workers.length === 0) return "waits for a frame";
  return workers.find(({ state }) => state !== "running")?.state ?? "running";
}
