import { readFile } from "node:fs/promises";
import { processStat } from "@sightline/stack";

/** What a process of this machine has used of the processor, and holds of memory. */
export async function processUsage(pid: number): Promise<{ cpuSeconds: number; rssBytes: number }> {
  const [{ cpuSeconds }, status] = await Promise.all([
    processStat(pid),
    readFile(`/proc/${pid}/status`, "utf8"),
  ]);
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
  return { cpuSeconds, rssBytes: kilobytes * 1024 };
}
