import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, readlinkSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** Why frames cannot be shared in a directory. */
export type ArenaErrorCode =
  /** The system has no shared memory, or the directory is not in memory. */
  | "no_memory"
  /** Others may open the folder. */
  | "not_private"
  /** The folder, or a file in it, cannot be created. */
  | "not_created";

/** Frames cannot be shared in this directory; the message says why, and what to do if something can be done. */
export class ArenaUnavailableError extends Error {
  override readonly name = "ArenaUnavailableError";
  readonly code: ArenaErrorCode;

  constructor(code: ArenaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The type that statfs reports for a tmpfs. */
const tmpfsType = 0x01021994;

/**
 * The folder of this user's arenas in `directory`; created if `create` is set. Only its owner can access it.
 * @throws ArenaUnavailableError when no private folder in memory is possible
 */
export function arenaFolder(directory: string, create: boolean): string {
  const user = process.getuid?.();
  if (user === undefined)
    throw new ArenaUnavailableError("no_memory", "this system has no shared memory for frames");
  const folder = join(directory, `sightline-${user}`);
  try {
    // A folder on a disk would be slower than the network.
    if (statfsSync(directory).type !== tmpfsType)
      throw new ArenaUnavailableError("no_memory", `${directory} is not in memory (not a tmpfs)`);
    if (create) mkdirSync(folder, { mode: 0o700, recursive: true });
    const found = lstatSync(folder);
    // Everyone may write to /dev/shm, so another user may have created something with our name there.
    if (!found.isDirectory() || found.uid !== user || (found.mode & 0o077) !== 0)
      throw new ArenaUnavailableError(
        "not_private",
        `${folder} is not a folder that only this user can open (mode 0700); remove it`,
      );
  } catch (error) {
    if (error instanceof ArenaUnavailableError) throw error;
    throw new ArenaUnavailableError(
      "not_created",
      `cannot create a folder for frames in ${directory}: ${(error as Error).message}`,
      { cause: error },
    );
  }
  return folder;
}

/** Who created an arena, as its name says. */
export interface ArenaOwner {
  /** The PID namespace in which `pid` is valid; 0 means unknown. */
  namespace: string;
  pid: number;
  /** Start of the process, in clock ticks since boot, since PIDs are reused. */
  start: string;
}

const namePattern = /^([0-9a-f]{16})-(\d{1,20})-(\d{1,10})-(\d{1,20})$/;

/** A new name for an arena of this process. */
export function newArenaName(): string {
  const { pid } = process;
  return [randomBytes(8).toString("hex"), ownNamespace(), pid, startOf(pid) ?? 0].join("-");
}

/** The random part of an arena's name, which makes the marks of its frames unique; undefined for a name of another form. */
export function arenaKey(name: string): string | undefined {
  return namePattern.exec(name)?.[1];
}

/** Who created the arena of this name; undefined for a name of another form. */
export function arenaOwner(name: string): ArenaOwner | undefined {
  const [, , namespace, pid, start] = namePattern.exec(name) ?? [];
  return pid === undefined ? undefined : { namespace: namespace!, pid: Number(pid), start: start! };
}

/** Whether the owner is running; undefined when this cannot be known here, as for a process in another container. */
export function isRunning({ namespace, pid, start }: ArenaOwner): boolean | undefined {
  if (namespace === "0" || namespace !== ownNamespace()) return undefined;
  return startOf(pid) === start;
}

function ownNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in brackets, may contain anything; the start time is the 20th field after it. A zombie counts as ended.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
