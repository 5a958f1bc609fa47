import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** Jain's fairness index of shares: 1 when all are equal, 1/n when one has everything. */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 1 : sum ** 2 / (shares.length * squares);
}

/** Quantile 0…1 of values, nearest rank; NaN when there are none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0
    ? Number.NaN
    : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** What a process of this machine has used of the processor, and holds of memory. */
export async function processUsage(pid: number): Promise<{ cpuSeconds: number; rssBytes: number }> {
  // Loaded only here: a measured process that needs something else of this file must not hold all of the stack.
  const { processStat } = await import("@sightline/stack");
  const [{ cpuSeconds }, status] = await Promise.all([
    processStat(pid),
    readFile(`/proc/${pid}/status`, "utf8"),
  ]);
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
  return { cpuSeconds, rssBytes: kilobytes * 1024 };
}

/** Calls `task` with 1, 2, … `count`, so many a second; one that comes late does not put off the next. */
export async function paced(count: number, rate: number, task: (number: number) => void): Promise<void> {
  const begin = performance.now();
  for (let number = 1; number <= count; number++) {
    const wait = begin + (number * 1_000) / rate - performance.now();
    if (wait > 0) await delay(wait);
    task(number);
  }
}
