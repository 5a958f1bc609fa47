import { pause, untilAborted } from "@sightline/service";
import type { ManagedProcess } from "./managed-process.ts";
import type { Stack } from "./stack.ts";

/** How long a process that ended waits before its next start, in milliseconds. */
export interface Pauses {
  firstMs: number;
  longestMs: number;
  /** After this run time the process is considered able to start: its next pause is the first one again. */
  steadyMs: number;
}

const usualPauses: Pauses = { firstMs: 1_000, longestMs: 15_000, steadyMs: 60_000 };
/** Exit code of a service with a wrong setting: a restart would end in the same way. */
const wrongSetting = 2;

/** Restarts the processes of a stack when they end, each after a pause that grows while the process keeps ending. */
export class Supervisor {
  readonly #stack: Pick<Stack, "processes" | "startAgain">;
  readonly #say: (line: string) => void;
  readonly #pauses: Pauses;

  /** `say` receives a line for each process that ended. */
  constructor(
    stack: Pick<Stack, "processes" | "startAgain">,
    say: (line: string) => void,
    pauses: Pauses = usualPauses,
  ) {
    this.#stack = stack;
    this.#say = say;
    this.#pauses = pauses;
  }

  /** Runs until `signal` aborts. Returns the process that ended because of a wrong setting, if one did. */
  async run(signal: AbortSignal): Promise<ManagedProcess | undefined> {
    const ending = new AbortController();
    const until = AbortSignal.any([signal, ending.signal]);
    const aborted = untilAborted(signal).then(() => undefined);
    const kept = this.#stack.processes().map((child) => this.#keep(child, until));
    try {
      return signal.aborted ? undefined : await Promise.race([aborted, ...kept]);
    } finally {
      // If someone stops the other processes now, they must not be restarted.
      ending.abort();
    }
  }

  async #keep(first: ManagedProcess, signal: AbortSignal): Promise<ManagedProcess | undefined> {
    const { firstMs, longestMs, steadyMs } = this.#pauses;
    let child = first;
    let pauseMs = firstMs;
    for (;;) {
      const startedAt = performance.now();
      await child.exited;
      if (signal.aborted) return undefined;
      if (child.child.exitCode === wrongSetting) return child;
      if (performance.now() - startedAt >= steadyMs) pauseMs = firstMs;
      this.#say(
        `${child.name} ended ${child.ending}; it is started again in ${pauseMs / 1000} s (its log: ${child.logFile})`,
      );
      await pause(pauseMs, signal);
      if (signal.aborted) return undefined;
      pauseMs = Math.min(2 * pauseMs, longestMs);
      child = await this.#stack.startAgain(child);
    }
  }
}
