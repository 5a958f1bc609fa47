import { readFile } from "node:fs/promises";

/** Clock ticks per second in /proc; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** What /proc/PID/stat tells of a process. */
export interface ProcessStat {
  /** The process that started it. */
  parent: number;
  /** Processor time that it used itself, with all its threads, in seconds. */
  cpuSeconds: number;
  /** Processor time of its children that have ended, and theirs, in seconds. */
  childrenCpuSeconds: number;
}

/** Reads what a process, or one thread (`PID/task/TID`), has used so far. @throws when it has ended, and where there is no /proc */
export async function processStat(pid: number | "self" | `${number}/task/${string}`): Promise<ProcessStat> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name, in brackets, may hold anything. After it: state, parent, …, and as the 12th to 15th utime, stime, cutime and cstime.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const seconds = (first: number) => (Number(fields[first]) + Number(fields[first + 1])) / ticksPerSecond;
  return { parent: Number(fields[1]), cpuSeconds: seconds(11), childrenCpuSeconds: seconds(13) };
}
