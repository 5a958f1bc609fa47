import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A program that runs, and what it has printed. */
export class Program {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(command: string, args: readonly string[], options: { cwd?: string } = {}) {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#exited = once(child, "close");
    createInterface({ input: child.stdout }).on("line", (line) => this.lines.push(line));
    createInterface({ input: child.stderr }).on("line", (line) => this.errors.push(line));
  }

  /** Sends a signal and waits for the end; returns the exit code, or the signal that ended it. */
  async end(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): Promise<number | string | null> {
    this.#child.kill(signal);
    await this.#exited;
    return this.#child.exitCode ?? this.#child.signalCode;
  }
}
