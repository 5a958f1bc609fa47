import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { projectRoot } from "../stack-layout.ts";

/** One line of a service's log. */
export type LogLine = Record<string, unknown> & { msg: string; err?: { message: string } };

/** A service in its own process. */
export class ServiceProcess {
  /** What it has logged so far. */
  readonly log: LogLine[] = [];
  readonly #child: ChildProcess;
  /** Resolves when the process has ended and its whole log has been read. */
  readonly #closed: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = once(child, "close");
  }

  /**
   * Starts the service with this name and waits until it logs `readyMessage`.
   * @throws Error with the end of its log when the service ends first
   */
  static async start(name: string, readyMessage: string, env: NodeJS.ProcessEnv): Promise<ServiceProcess> {
    const main = join(projectRoot, "services", name, "src/main.ts");
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const service = new ServiceProcess(child);
    const lines = createInterface({ input: child.stderr! });
    const other: string[] = [];
    await new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => {
        if (!line.startsWith("{")) return void other.push(line);
        const parsed = JSON.parse(line) as LogLine;
        service.log.push(parsed);
        if (parsed.msg === readyMessage) resolve();
      });
      child.once("close", () => {
        const last = [...other, ...service.log.map((line) => JSON.stringify(line))].slice(-5).join("\n");
        reject(new Error(`${name} ended before it was ready:\n${last}`));
      });
    });
    return service;
  }

  /** Sends a signal that does not end the process: it freezes the process or lets it continue. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** Ends the process with a signal; returns its exit code, or null when the signal ended it. */
  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<number | null> {
    this.#child.kill(signal);
    await this.#closed;
    return this.#child.exitCode;
  }
}
