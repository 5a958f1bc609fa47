import { monotonicMs } from "@sightline/service/clock";
import type { BatchRunner, TurnRun } from "./batch-runner.ts";

interface Waiting<User> {
  user: User;
  go: () => void;
}

/**
 * Gives the machine to one user of it at a time: a model, or one that is being tried out. Of those that wait, the one goes next
 * that has had least time; so a model with small runs gets as much time as one with large runs, and waits for one run at most per
 * other user. One user alone waits for nothing, and its batches follow each other without a pause.
 */
export class Turns<User> {
  /** Time each user has had, in milliseconds. */
  readonly #spent = new Map<User, number>();
  readonly #waiting: Waiting<User>[] = [];
  #holder: User | undefined;
  #held = 0;
  /** What the user that went last had had then: who comes back from being idle is owed nothing for that time. */
  #level = 0;

  /** Resolves when it is the user's turn, which lasts until `leave`. */
  take(user: User): Promise<void> {
    const alone = this.#waiting.length === 0 && (this.#held === 0 || this.#holder === user);
    if (!this.#has(user)) this.#spent.set(user, Math.max(this.#spent.get(user) ?? 0, this.#level));
    if (alone) {
      this.#give(user);
      return Promise.resolve();
    }
    return new Promise((go) => this.#waiting.push({ user, go }));
  }

  /** Ends a turn that took so long. */
  leave(user: User, milliseconds: number): void {
    this.#spent.set(user, (this.#spent.get(user) ?? 0) + milliseconds);
    if (--this.#held > 0) return;
    let next: Waiting<User> | undefined;
    for (const waiting of this.#waiting)
      if (!next || this.#spent.get(waiting.user)! < this.#spent.get(next.user)!) next = waiting;
    if (!next) return;
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    this.#give(next.user);
    next.go();
  }

  /** The user is no more. */
  forget(user: User): void {
    this.#spent.delete(user);
  }

  #has(user: User): boolean {
    return (
      (this.#held > 0 && this.#holder === user) || this.#waiting.some((waiting) => waiting.user === user)
    );
  }

  #give(user: User): void {
    this.#holder = user;
    this.#held++;
    this.#level = this.#spent.get(user)!;
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
    const begun = monotonicMs();
    try {
      return { ...(await this.#runner.run(slot, frames)), waitedMs: begun - asked };
    } finally {
      this.#turns.leave(this, monotonicMs() - begun);
    }
  }

  /** No more runs come. */
  stop(): void {
    this.#turns.forget(this);
  }
}
