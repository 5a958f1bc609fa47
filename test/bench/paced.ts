import { setTimeout as delay } from "node:timers/promises";

/** Calls `task` with 1, 2, … `count`, so many a second; one that comes late does not put off the next. */
export async function paced(count: number, rate: number, task: (number: number) => void): Promise<void> {
  const begin = performance.now();
  for (let number = 1; number <= count; number++) {
    const wait = begin + (number * 1_000) / rate - performance.now();
    if (wait > 0) await delay(wait);
    task(number);
  }
}
