import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Processor time used so far, in milliseconds. */
export interface Usage {
  cpuMs: number;
}

/** A measurement's part in a process of its own: it gets its settings at start and answers with its counts when asked. */
export class BenchProcess<Counts extends Usage> {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts a program of this folder and waits until it says that it is ready. */
  static async start<Counts extends Usage>(program: string, settings: object): Promise<BenchProcess<Counts>> {
    const file = fileURLToPath(new URL(program, import.meta.url));
    const child = fork(file, [JSON.stringify(settings)], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    await BenchProcess.#next(child);
    return new BenchProcess<Counts>(child);
  }

  /** The counts of this moment. */
  async counts(): Promise<Counts> {
    const answer = BenchProcess.#next<Counts>(this.#child);
    this.#child.send("counts");
    return answer;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }

  static async #next<T>(child: ChildProcess): Promise<T> {
    const [message] = await Promise.race([
      once(child, "message"),
      once(child, "exit").then(([code]) => {
        throw new Error(`${child.spawnargs.at(1)} ended with code ${code}`);
      }),
    ]);
    return message as T;
  }
}

/** In the process: reads the settings. */
export function benchSettings<Settings>(): Settings {
  return JSON.parse(process.argv[2]!) as Settings;
}

/** In the process: says that it is ready, and from now on answers with its counts. */
export function answerCounts(counts: () => object): void {
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send!({ ...counts(), cpuMs: (user + system) / 1000 } satisfies Usage);
  });
  process.on("disconnect", () => process.exit());
  process.send!("ready");
}
