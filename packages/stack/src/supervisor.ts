import { setTimeout as delay } from "node:timers/promises";
import type { ManagedProcess } from "./managed-process.ts";
import type { Stack } from "./stack.ts";

const firstPauseMs = 1_000;
const longestPauseMs = 15_000;
/** One that ran for so long is not one that cannot start. */
const steadyMs = 60_000;
/** Exit code of a service with a wrong setting: it would end in the same way again. */
const wrongSetting = 2;

/** Starts the processes of a stack again when they end, each after a pause that grows while it keeps ending. */
export class Supervisor {
  readonly #stack: Stack;
  readonly #say: (line: string) => void;

  /** `say` is given a line for each process that ended. */
  constructor(stack: Stack, say: (line: string) => void) {
    this.#stack = stack;
    this.#say = say;
  }

  /** Runs until `signal` aborts. Returns the process that ended because of a wrong setting, if one did. */
  async run(signal: AbortSignal): Promise<ManagedProcess | undefined> {
    const kept = this.#stack.processes().map((child) => this.#keep(child, signal));
    const aborted = new Promise<undefined>((resolve) =>
      signal.addEventListener("abort", () => resolve(undefined), { once: true }),
    );
    return signal.aborted ? undefined : Promise.race([aborted, ...kept]);
  }

  async #keep(first: ManagedProcess, signal: AbortSignal): Promise<ManagedProcess | undefined> {
    let child = first;
    let pauseMs = firstPauseMs;
    for (;;) {
      const startedAt = performance.now();
      await child.exited;
      if (signal.aborted) return undefined;
      if (child.child.exitCode === wrongSetting) return child;
      if (performance.now() - startedAt > steadyMs) pauseMs = firstPauseMs;
      this.#say(
        `${child.name} ended ${child.ending}; it is started again in ${pauseMs / 1000} s (its log: ${child.logFile})`,
      );
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return undefined;
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      child = await this.#stack.startAgain(child);
    }
  }
}
