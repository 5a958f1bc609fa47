import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { open, readFile } from "node:fs/promises";

/** How a child process failed: it says itself why it cannot run, or it just ended. */
export type ProcessErrorCode = "cannot_run" | "process_ended";

/** A child process that ended before its work was done. */
export class ProcessFailedError extends Error {
  override readonly name = "ProcessFailedError";
  readonly code: ProcessErrorCode;

  constructor(code: ProcessErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface ManagedProcessOptions {
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** File that receives the process's output. */
  logFile: string;
  /** Gives the child a pipe as stdin, which closes together with the child, and gives its stdout to the caller instead of the log. */
  pipes?: boolean;
}

const setpriv = "/usr/bin/setpriv";

/**
 * One child process of the stack. It runs in its own process group, so Ctrl-C at the terminal reaches only the launcher, which then stops
 * its children in order. Where the system supports it, the kernel ends the child when the launcher ends.
 */
export class ManagedProcess {
  readonly name: string;
  readonly logFile: string;
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  readonly options: ManagedProcessOptions;

  private constructor(options: ManagedProcessOptions, child: ChildProcess, exited: Promise<void>) {
    this.options = options;
    this.name = options.name;
    this.logFile = options.logFile;
    this.child = child;
    this.exited = exited;
  }

  static async start(options: ManagedProcessOptions): Promise<ManagedProcess> {
    const log = await open(options.logFile, "a");
    const guarded = existsSync(setpriv);
    const child = spawn(
      guarded ? setpriv : options.command,
      guarded ? ["--pdeathsig", "TERM", options.command, ...options.args] : options.args,
      {
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        detached: true,
        stdio: options.pipes ? ["pipe", "pipe", log.fd] : ["ignore", log.fd, log.fd],
      },
    );
    // Listen before the first await: a process may end at once.
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    try {
      await once(child, "spawn");
    } finally {
      await log.close();
    }
    return new ManagedProcess(options, child, exited);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** How the process ended: `by SIGKILL`, `with exit code 1`. */
  get ending(): string {
    const { signalCode, exitCode } = this.child;
    return signalCode ? `by ${signalCode}` : `with exit code ${exitCode}`;
  }

  /** The error to report when the process ended by itself: the last fault in its log, or how it ended and the end of its log. */
  async failure(): Promise<ProcessFailedError> {
    const lines = (await readFile(this.logFile, "utf8").catch(() => "")).trimEnd().split("\n").slice(-8);
    const fault = this.child.exitCode === 2 ? lines.map(faultIn).findLast((found) => found) : undefined;
    if (fault) return new ProcessFailedError("cannot_run", `${this.name} cannot run: ${fault}`);
    return new ProcessFailedError(
      "process_ended",
      `${this.name} ended ${this.ending}:\n${lines.map((line) => `  ${line}`).join("\n")}`,
    );
  }

  /** SIGTERM, then SIGKILL if it does not end in time. */
  async stop(graceMs = 17_000): Promise<void> {
    if (!this.running) return;
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), graceMs);
    await this.exited;
    clearTimeout(timer);
  }
}

/** The message of a log line that says why a service ended. */
function faultIn(line: string): string | undefined {
  try {
    const { level, msg } = JSON.parse(line);
    return level === "fatal" ? String(msg) : undefined;
  } catch {
    return undefined;
  }
}

/** Clock ticks per second in /proc; 100 on every Linux that Node supports. */
const ticksPerSecond = 100;

/** Facts from /proc/PID/stat about a process. */
export interface ProcessStat {
  /** Process ID of its parent. */
  parent: number;
  /** Processor time of the process itself, with all its threads, in seconds. */
  cpuSeconds: number;
  /** Processor time of its ended children and their ended children, in seconds. */
  childrenCpuSeconds: number;
}

/** Reads what a process or one thread (`PID/task/TID`) has used so far. @throws when it has ended, or when there is no /proc */
export async function processStat(pid: number | "self" | `${number}/task/${string}`): Promise<ProcessStat> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name, in brackets, may contain anything. After it: state, parent, …; the 12th to 15th fields are utime, stime, cutime and cstime.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const seconds = (first: number) => (Number(fields[first]) + Number(fields[first + 1])) / ticksPerSecond;
  return { parent: Number(fields[1]), cpuSeconds: seconds(11), childrenCpuSeconds: seconds(13) };
}
