import { monotonicMs } from "@sightline/service/clock";
import type { BatchRunner, TurnRun } from "./batch-runner.ts";

/** A turn lasts no longer, also when its run does. */
const turnLimitMs = 5_000;

interface Waiting<User> {
  user: User;
  go: () => void;
}

/**
 * Gives the machine to one user of it at a time, in the order in which they ask: a session that serves, and one that is warmed up
 * beside it. One user alone waits for nothing, and its batches follow each other without a pause.
 */
export class Turns<User> {
  readonly #waiting: Waiting<User>[] = [];
  #holder: User | undefined;
  #held = 0;

  /** Resolves when it is the user's turn, which lasts until `leave`. */
  take(user: User): Promise<void> {
    const free = this.#held === 0 || this.#holder === user;
    if (!free || this.#waiting.length > 0) return new Promise((go) => this.#waiting.push({ user, go }));
    this.#holder = user;
    this.#held++;
    return Promise.resolve();
  }

  /** Ends the user's turn. */
  leave(): void {
    if (--this.#held > 0) return;
    const next = this.#waiting.shift();
    this.#holder = next?.user;
    if (!next) return;
    this.#held = 1;
    next.go();
  }
}

/** Runs batches, each when it is its model's turn. */
export class InTurn implements BatchRunner {
  readonly #turns: Turns<BatchRunner>;
  readonly #runner: BatchRunner;

  constructor(turns: Turns<BatchRunner>, runner: BatchRunner) {
    this.#turns = turns;
    this.#runner = runner;
  }

  async run(slot: number, frames: number): Promise<TurnRun> {
    const asked = monotonicMs();
    await this.#turns.take(this);
    const waitedMs = monotonicMs() - asked;
    let leave = () => {
      leave = () => {};
      this.#turns.leave();
    };
    // A model that is tried out and gives no answer must not keep the one that serves from its turn.
    const limit = setTimeout(() => leave(), turnLimitMs);
    try {
      return { ...(await this.#runner.run(slot, frames)), waitedMs };
    } finally {
      clearTimeout(limit);
      leave();
    }
  }
}
