import { expect, test } from "vitest";
import type { FaultOutcome } from "./chaos-run.ts";
import { longestGap } from "./chaos-watch.ts";
import { type Fault, planFaults } from "./fault-plan.ts";
import { recoveriesOf, recoveryLines } from "./recoveries.ts";

const servers = ["nats-server", "nats-server-2", "nats-server-3"];
const services = ["results", "results-2", "ingest", "ingest-2", "inference", "inference-2"];

function plan(seed: number, count: number, hurt = { servers, services }): Fault[] {
  const faults = planFaults(seed, hurt.servers, hurt.services);
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

test("where only one kind of process is to be hurt, no other is", () => {
  const names = new Set(plan(1, 200, { servers: [], services }).flatMap(({ targets }) => targets));
  expect([...names].sort()).toEqual(services.toSorted());
});

test("the longest time without results counts from the last one before, and to the end", () => {
  expect(longestGap([10, 20, 90, 100], 30, 110)).toBe(70);
  expect(longestGap([10, 20], 30, 110)).toBe(90);
  expect(longestGap([], 30, 110)).toBe(80);
});

test("faults of services are summed up apart from those that hurt a NATS server", () => {
  const outcome = (targets: string[], camera: number, subscriber: number, nats: number): FaultOutcome => ({
    ...{ kind: "kill", targets, lastsMs: 1_000, restMs: 500 },
    ...{ cameras: { front: camera, back: 1 }, subscribers: [subscriber], nats },
  });
  const summary = recoveriesOf([
    outcome(["ingest"], 4, 1, 0.3),
    outcome(["results-2", "nats-server-3"], 9, 8, 7),
    outcome(["results"], 3, 2, 0.2),
  ]);
  expect(summary.faults).toBe(3);
  expect(summary.servicesOnly.faults).toBe(2);
  expect(summary.servicesOnly.camerasBackSeconds.p99).toBe(4);
  expect(summary.withNats.subscribersBackSeconds.p99).toBe(8);
  expect(summary.servicesOnly.natsAloneSeconds.p99).toBe(0.3);
  const lines = recoveryLines(summary);
  expect(lines).toContain("faults that hurt a NATS server: 1");
  expect(lines).toContain("  NATS alone   confirms after p50 7 s, p95 7 s, p99 7 s");
});
