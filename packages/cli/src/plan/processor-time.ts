import { readdir } from "node:fs/promises";
import { cpus } from "node:os";
import { processStat } from "@sightline/stack";

interface ProcessTimes {
  parent: number;
  seconds: number;
}

/** Processor time since its start, in seconds, of every visible process. @throws when there is no /proc */
async function allProcesses(): Promise<Map<number, ProcessTimes>> {
  const all = new Map<number, ProcessTimes>();
  await Promise.all(
    (await readdir("/proc")).filter(isNumber).map(async (pid) => {
      // The process may end in the meantime.
      const stat = await processStat(Number(pid)).catch(() => undefined);
      if (!stat) return;
      const { parent, cpuSeconds, childrenCpuSeconds } = stat;
      all.set(Number(pid), { parent, seconds: cpuSeconds + childrenCpuSeconds });
    }),
  );
  return all;
}

/** Processor time so far, in seconds: of process trees by name, and of the whole machine. */
export interface ProcessorTime<Name extends string> {
  /** By the monotonic clock, in seconds. */
  at: number;
  of: Record<Name, number>;
  machine: number;
}

/** Reads how much processor time the processes of `roots` and all their descendants have used. @throws when there is no /proc */
export async function processorTime<Name extends string>(
  roots: Readonly<Record<Name, number>>,
): Promise<ProcessorTime<Name>> {
  const processes = await allProcesses();
  const children = Map.groupBy(processes.keys(), (pid) => processes.get(pid)!.parent);
  const tree = (pid: number): number =>
    (processes.get(pid)?.seconds ?? 0) +
    (children.get(pid) ?? []).reduce((sum, child) => sum + tree(child), 0);
  const used = Object.entries<number>(roots).map(([name, pid]) => [name, tree(pid)]);
  const milliseconds = cpus().reduce(
    (sum, { times }) => sum + times.user + times.nice + times.sys + times.irq,
    0,
  );
  return { at: performance.now() / 1000, of: Object.fromEntries(used), machine: milliseconds / 1000 };
}

/** Cores in use between two readings: by name, and for the whole machine. */
export function coresBetween<Name extends string>(
  from: ProcessorTime<Name>,
  to: ProcessorTime<Name>,
): { of: Record<Name, number>; machine: number } {
  const seconds = to.at - from.at;
  const names = Object.keys(from.of) as Name[];
  const of = Object.fromEntries(
    names.map((name) => [name, Math.max(0, to.of[name] - from.of[name]) / seconds]),
  );
  return { of: of as Record<Name, number>, machine: (to.machine - from.machine) / seconds };
}

function isNumber(text: string): boolean {
  return /^[0-9]+$/.test(text);
}
