import { expect, test } from "vitest";
import { SharedWork, WorkBudget } from "./work-budget.ts";

let now = 0;
const clock = () => now;
/** Lets cameras send for so many seconds: each whenever it need not wait. Returns the milliseconds that each took, and waited. */
function run(
  cameras: readonly { budget: WorkBudget; everyMs: number; bytes: number; ms: number }[],
  seconds: number,
) {
  const each = cameras.map(({ budget }) => ({ budget, at: now, tookMs: 0, waitedMs: 0 }));
  for (const end = now + seconds * 1000; now < end; ) {
    for (const [index, { budget, everyMs, bytes, ms }] of cameras.entries()) {
      const camera = each[index]!;
      if (camera.at > now) continue;
      const restMs = budget.spend(bytes, () => {
        now += ms;
      });
      camera.tookMs += ms + (bytes * 4) / 1e6;
      camera.waitedMs += restMs;
      camera.at = Math.max(now + restMs, camera.at + everyMs);
    }
    now += 0.1;
  }
  return each;
}

test("a camera that floods takes a fourth of the time at most, beyond a burst", () => {
  const budget = new WorkBudget(clock, new SharedWork(clock));
  expect(budget.spend(0, () => (now += 450))).toBe(0);
  expect(budget.spend(0, () => (now += 250))).toBeGreaterThan(0);
  const [flood] = run([{ budget, everyMs: 0, bytes: 65_536, ms: 2 }], 20);
  expect(flood!.tookMs / 20_000).toBeLessThan(0.25);
  // What is not used is saved for a burst, and no longer.
  now += 3_600_000;
  expect(budget.spend(0, () => (now += 450))).toBe(0);
  expect(budget.spend(0, () => (now += 250))).toBeGreaterThan(0);
  now += 3_600_000;
  // Bytes cost time before they are here.
  for (let sent = 0; sent < 100e6; sent += 1e6) expect(budget.spend(1e6, () => undefined)).toBe(0);
  expect(budget.spend(50e6, () => undefined)).toBeGreaterThan(0);
});

test("many that flood share what one may take, and honest cameras of 4K beside them never wait", () => {
  const shared = new SharedWork(clock);
  const budgets = Array.from({ length: 30 }, () => new WorkBudget(clock, shared));
  // 20 Mbit/s: 2.5 MB each second, in 40 pieces, and the time to take them apart.
  const honest = budgets.slice(0, 10).map((budget) => ({ budget, everyMs: 25, bytes: 62_500, ms: 0.1 }));
  const flood = budgets.slice(10).map((budget) => ({ budget, everyMs: 0, bytes: 65_536, ms: 1 }));
  run([...honest, ...flood], 20);
  const each = run([...honest, ...flood], 20);
  expect(each.slice(0, 10).map(({ waitedMs }) => waitedMs)).toEqual(Array<number>(10).fill(0));
  const shares = each.slice(10).map(({ tookMs }) => tookMs / 20_000);
  expect(shares.reduce((sum, share) => sum + share)).toBeLessThan(0.2 + 20 * 0.03 + 0.02);
  expect(Math.max(...shares) / Math.min(...shares)).toBeLessThan(1.5);
  // Who has ended leaves its part to the others.
  for (const { budget } of flood.slice(1)) budget.close();
  const [alone] = run(flood.slice(0, 1), 20);
  expect(alone!.tookMs / 20_000).toBeGreaterThan(0.2);
});
