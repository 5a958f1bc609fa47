import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "@sightline/service/testing";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** The inference service as a process. */
export class WorkerProcess {
  readonly address: string;
  readonly #child: ChildProcess;
  /** Resolves when it has ended and its complete log has arrived. */
  readonly #closed: Promise<unknown>;
  #log = "";

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#child = child;
    this.#closed = once(child, "close");
    child.stderr!.on("data", (data) => {
      this.#log += data;
    });
  }

  /** Starts it without waiting. With `through`, it is started by that program (and arguments), which then becomes it. */
  static async spawn(env: NodeJS.ProcessEnv, through: readonly string[] = []): Promise<WorkerProcess> {
    const address = `127.0.0.1:${await freePort()}`;
    const words = [...through, process.execPath, "--disable-warning=ExperimentalWarning", main];
    const child = spawn(words[0]!, words.slice(1), {
      env: {
        PATH: process.env.PATH,
        // So that it does not compile all TypeScript at each start.
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        // So that a measurement can inspect the process.
        NODE_OPTIONS: process.env.NODE_OPTIONS,
        SIGHTLINE_INFERENCE_HTTP: address,
        ...env,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    return new WorkerProcess(address, child);
  }

  /** Starts it and waits until it takes work. */
  static async start(env: NodeJS.ProcessEnv): Promise<WorkerProcess> {
    const worker = await WorkerProcess.spawn(env);
    await worker.ready();
    return worker;
  }

  /** Waits until it takes work. */
  async ready(): Promise<void> {
    for (;;) {
      if (this.exitCode !== null) throw new Error(`the worker ended with ${this.exitCode}:\n${this.log}`);
      const url = `http://${this.address}/readyz`;
      const isReady = await fetch(url, { signal: AbortSignal.timeout(5_000) })
        .then(async (response) => {
          await response.text();
          return response.ok;
        })
        .catch(() => false);
      if (isReady) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Its log so far. */
  get log(): string {
    return this.#log;
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://${this.address}/metrics`)).text();
  }

  /** Waits for its end and its complete log, and returns the exit code; null when a signal ended it. */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  kill(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.ended();
  }
}
