import { readFileSync, readlinkSync } from "node:fs";

/**
 * Identifies this process so that others on this machine can check whether it still runs: `{boot}:{PID namespace}:{PID}:{start}`. Undefined
 * where the system does not provide all of it.
 */
export function ownMark(): string | undefined {
  const here = place();
  const start = startOf(process.pid);
  return here && typeof start === "string" ? `${here}:${process.pid}:${start}` : undefined;
}

/** Whether the process of a mark has certainly ended; false when it runs or is frozen, and when that cannot be checked from here. */
export function hasEnded(mark: string): boolean {
  const [, where, pid, start] = /^(.+):(\d{1,10}):(\d{1,20})$/.exec(mark) ?? [];
  if (where === undefined || where !== place()) return false;
  const now = startOf(Number(pid));
  return now !== "unknown" && now !== start;
}

let found: string | undefined;

/** The machine since its last start, and the namespace in which a PID is valid. */
function place(): string | undefined {
  try {
    found ??= `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${/\d+/.exec(readlinkSync("/proc/self/ns/pid"))![0]}`;
  } catch {
    return undefined;
  }
  return found;
}

/**
 * When the process with this PID started, in clock ticks since boot, because PIDs are reused. Undefined when there is no such process, or
 * it has ended.
 */
function startOf(pid: number): string | "unknown" | undefined {
  try {
    // Processes of other users may be hidden in /proc; this finds them anyway.
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in brackets, may contain anything; the start is the 20th field after it. A zombie has ended.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : (fields[18] ?? "unknown");
  } catch {
    return "unknown";
  }
}
