import { readFile } from "node:fs/promises";

/** Clock ticks per second in /proc; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** What a process of this machine has used of the processor, and holds of memory. */
export async function processUsage(pid: number): Promise<{ cpuSeconds: number; rssBytes: number }> {
  const [stat, status] = await Promise.all(
    ["stat", "status"].map((name) => readFile(`/proc/${pid}/${name}`, "utf8")),
  );
  // The name, in brackets, may hold anything; utime and stime are the 12th and 13th field after it.
  const fields = stat!.slice(stat!.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status!)?.[1]);
  return { cpuSeconds: ticks / ticksPerSecond, rssBytes: kilobytes * 1024 };
}
