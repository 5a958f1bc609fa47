import { expect, test } from "vitest";
import { longestGap } from "./chaos-watch.ts";
import { type Fault, planFaults } from "./fault-plan.ts";

const servers = ["nats-server", "nats-server-2", "nats-server-3"];
const services = ["results", "results-2", "ingest", "ingest-2", "inference", "inference-2"];

function plan(seed: number, count: number): Fault[] {
  const faults = planFaults(seed, servers, services);
  return Array.from({ length: count }, () => faults.next().value);
}

test("a seed gives the same faults each time, and another seed others", () => {
  expect(plan(7, 50)).toEqual(plan(7, 50));
  expect(plan(8, 50)).not.toEqual(plan(7, 50));
});

test("each process is hurt in each way, some at the same time as another", () => {
  const faults = plan(1, 1_000);
  for (const kind of ["kill", "freeze"])
    for (const name of [...servers, ...services])
      expect(
        faults.some((fault) => fault.kind === kind && fault.targets.includes(name)),
        `${kind} ${name}`,
      ).toBe(true);
  const pairs = faults.filter(({ targets }) => targets.length === 2);
  expect(pairs.length).toBeGreaterThan(100);
  for (const { targets } of faults) expect(new Set(targets).size).toBe(targets.length);
});

test("the longest time without results counts from the last one before, and to the end", () => {
  expect(longestGap([10, 20, 90, 100], 30, 110)).toBe(70);
  expect(longestGap([10, 20], 30, 110)).toBe(90);
  expect(longestGap([], 30, 110)).toBe(80);
});
