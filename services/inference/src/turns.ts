import { monotonicMs } from "@sightline/service/clock";
import type { BatchRunner, TurnRun } from "./session-messages.ts";

/** A turn lasts no longer, also when its run does. */
const turnLimitMs = 5_000;

interface Waiting<User> {
  user: User;
  /** Which of the user's sessions asks. */
  part: object;
  /** What the users that run had had of the machine when this one asked, in milliseconds. */
  since: number;
  go: () => void;
}

/**
 * Gives the machine to one user of it at a time: to that one of those that wait which has had the least of its time. So sessions of
 * slow and of fast models get equal shares of time, and one that is warmed up beside them a share too. A user that was away has no
 * claim to the time that it did not use. One user alone waits for nothing, and its batches follow each other without a pause. The parts
 * of a user, sessions that run at the same time, have its turn together: one batch of each that waits.
 */
export class Turns<User extends object> {
  readonly #now: () => number;
  readonly #waiting: Waiting<User>[] = [];
  /** Users that go only when no other wants to. */
  readonly #idle: Waiting<User>[] = [];
  /** Milliseconds that each user has had, counted from what the others had when it came. */
  readonly #had = new WeakMap<User, number>();
  /** What the user that runs had had when its batch began. */
  #level = 0;
  #holder: User | undefined;
  #held = 0;
  #begunAt = 0;

  constructor(now: () => number = monotonicMs) {
    this.#now = now;
  }

  /** Resolves when it is the user's turn, which lasts until `leave`. `part` of the user asks. */
  take(user: User, part: object = user): Promise<void> {
    const free = this.#held === 0 || this.#holder === user;
    if (!free || this.#waiting.length > 0)
      return new Promise((go) => this.#waiting.push({ user, part, since: this.#level, go }));
    if (this.#held === 0) this.#begin(user, this.#level);
    this.#held++;
    return Promise.resolve();
  }

  /**
   * Waits until nobody else runs or wants to, `limitMs` at most. Whether it is the user's turn, which then lasts until `leave`: where the
   * machine is always busy it never is.
   */
  takeIdle(user: User, limitMs: number): Promise<boolean> {
    if (this.#held === 0 && this.#waiting.length === 0) return this.take(user).then(() => true);
    return new Promise((resolve) => {
      const waiting: Waiting<User> = { user, part: user, since: this.#level, go: () => end(true) };
      const end = (isTurn: boolean) => {
        clearTimeout(limit);
        resolve(isTurn);
      };
      const limit = setTimeout(() => {
        this.#idle.splice(this.#idle.indexOf(waiting), 1);
        end(false);
      }, limitMs);
      this.#idle.push(waiting);
    });
  }

  /** Does something in the turn that was taken, and ends the turn after it. */
  async during<T>(action: () => Promise<T>): Promise<T> {
    let leave = () => {
      leave = () => {};
      this.leave();
    };
    // A model that gives no answer must not keep the others from their turns.
    const limit = setTimeout(() => leave(), turnLimitMs);
    try {
      return await action();
    } finally {
      clearTimeout(limit);
      leave();
    }
  }

  /** Ends the user's turn. */
  leave(): void {
    if (this.#holder) this.#charge(this.#holder);
    if (--this.#held > 0) {
      // Its next batch begins.
      if (this.#holder) this.#level = this.#had.get(this.#holder) ?? 0;
      return;
    }
    this.#holder = undefined;
    const next = this.#takeNext() ?? this.#idle.shift();
    if (!next) return;
    this.#begin(next.user, next.since);
    const together = [next, ...this.#takeParts(next)];
    this.#held = together.length;
    for (const { go } of together) go();
  }

  #begin(user: User, since: number): void {
    this.#holder = user;
    this.#level = Math.max(this.#had.get(user) ?? 0, since);
    this.#had.set(user, this.#level);
    this.#begunAt = this.#now();
  }

  #charge(user: User): void {
    const now = this.#now();
    this.#had.set(user, (this.#had.get(user) ?? 0) + now - this.#begunAt);
    this.#begunAt = now;
  }

  /** The one that has had least; of equals the one that asked first. */
  #takeNext(): Waiting<User> | undefined {
    const had = ({ user, since }: Waiting<User>) => Math.max(this.#had.get(user) ?? 0, since);
    let least = 0;
    for (const [i, waiting] of this.#waiting.entries())
      if (had(waiting) < had(this.#waiting[least]!)) least = i;
    return this.#waiting.splice(least, 1)[0];
  }

  /** The first batch that waits of each other part of the same user. */
  #takeParts({ user, part }: Waiting<User>): Waiting<User>[] {
    const gone = new Set([part]);
    const isNext = (waiting: Waiting<User>) =>
      waiting.user === user && !gone.has(waiting.part) && gone.add(waiting.part);
    const taken = this.#waiting.filter(isNext);
    for (const waiting of taken) this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    return taken;
  }
}

/** Runs batches, each when it is its model's turn. */
export class ModelTurns implements BatchRunner {
  readonly #turns: Turns<object>;
  readonly #runner: BatchRunner;
  readonly #user: object;

  /** `user` has the turns: those of one user run at the same time. Default: itself. */
  constructor(turns: Turns<object>, runner: BatchRunner, user?: object) {
    this.#turns = turns;
    this.#runner = runner;
    this.#user = user ?? this;
  }

  async run(slot: number, frames: number): Promise<TurnRun> {
    const asked = monotonicMs();
    await this.#turns.take(this.#user, this);
    return this.#run(slot, frames, monotonicMs() - asked);
  }

  /** Runs when no other model wants to; undefined when that was not so for `limitMs`. */
  async runIdle(slot: number, frames: number, limitMs: number): Promise<TurnRun | undefined> {
    const asked = monotonicMs();
    if (!(await this.#turns.takeIdle(this.#user, limitMs))) return undefined;
    return this.#run(slot, frames, monotonicMs() - asked);
  }

  async #run(slot: number, frames: number, waitedMs: number): Promise<TurnRun> {
    return { ...(await this.#turns.during(() => this.#runner.run(slot, frames))), waitedMs };
  }
}
