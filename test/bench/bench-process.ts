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

  get pid(): number {
    return this.#child.pid!;
  }

  /** The counts of this moment. */
  async counts(): Promise<Counts> {
    const answer = BenchProcess.#next<Counts>(this.#child);
    this.#child.send("counts");
    return answer;
  }

  /** Asks for a piece of work (`onAsk`) and waits until it is done. */
  async ask(work: object): Promise<void> {
    const answer = BenchProcess.#next(this.#child);
    this.#child.send(work);
    await answer;
  }

  /** Ends it, if it has not ended. */
  async stop(): Promise<void> {
    if (hasEnded(this.#child)) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  static async #next<T>(child: ChildProcess): Promise<T> {
    if (hasEnded(child))
      throw new Error(`${child.spawnargs.at(1)} has ended with ${child.exitCode ?? child.signalCode}`);
    const answered = new AbortController();
    const { signal } = answered;
    try {
      const [message] = await Promise.race([
        once(child, "message", { signal }),
        once(child, "exit", { signal }).then(([code]) => {
          throw new Error(`${child.spawnargs.at(1)} ended with code ${code}`);
        }),
      ]);
      return message as T;
    } finally {
      answered.abort();
    }
  }
}

/** One that a signal ended has no exit code. */
function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** In the process: reads the settings. */
export function benchSettings<Settings>(): Settings {
  return JSON.parse(process.argv[2]!) as Settings;
}

/** In the process: does a piece of work when asked to. */
export function onAsk<Work>(task: (work: Work) => Promise<void>): void {
  process.on("message", (message) => {
    if (message !== "counts") void task(message as Work).then(() => process.send!("done"));
  });
}

/** In the process: says that it is ready, and from now on answers with its counts. */
export function answerCounts(counts: () => object): void {
  process.on("message", (message) => {
    if (message !== "counts") return;
    const { user, system } = process.cpuUsage();
    process.send!({ ...counts(), cpuMs: (user + system) / 1000 } satisfies Usage);
  });
  process.on("disconnect", () => process.exit());
  process.send!("ready");
}
