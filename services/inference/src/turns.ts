import { monotonicMs } from "@sightline/service/clock";
import type { BatchRunner, TurnRun } from "./session-messages.ts";

/** A turn ends after this long, even if its run continues. */
const turnLimitMs = 5_000;

interface Waiting<User> {
  user: User;
  /** Which of the user's sessions asks. */
  part: object;
  /** Machine time, in milliseconds, that the running users had received when this one asked. */
  since: number;
  go: () => void;
}

/**
 * Gives the machine to one user at a time: to the waiting user that has received the least time. So sessions of slow and of
 * fast models get equal shares of time, and a model that is warmed up gets a share too. A user that was away cannot claim
 * the time that it did not use. A single user never waits, and its batches follow each other without a pause. The parts of
 * a user (sessions that run at the same time) share its turn: one waiting batch of each.
 */
export class Turns<User extends object> {
  readonly #now: () => number;
  readonly #waiting: Waiting<User>[] = [];
  /** Users that run only when no other user wants to. */
  readonly #idle: Waiting<User>[] = [];
  /** Milliseconds that each user has received. A user that comes starts with what the others have then. */
  readonly #had = new WeakMap<User, number>();
  /** The time that the running user had received when its batch began. */
  #level = 0;
  #holder: User | undefined;
  #held = 0;
  #begunAt = 0;

  constructor(now: () => number = monotonicMs) {
    this.#now = now;
  }

  /** Resolves when it is the user's turn, which lasts until `leave`. `part` is the part of the user that asks. */
  take(user: User, part: object = user): Promise<void> {
    const free = this.#held === 0 || this.#holder === user;
    if (!free || this.#waiting.length > 0)
      return new Promise((go) => this.#waiting.push({ user, part, since: this.#level, go }));
    if (this.#held === 0) this.#begin(user, this.#level);
    this.#held++;
    return Promise.resolve();
  }

  /**
   * Waits, at most `limitMs`, until nobody else runs or wants to. Returns whether it is the user's turn, which then lasts
   * until `leave`; on a machine that is always busy, it never is.
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

  /** Runs `action` in the turn that was taken, and ends the turn afterwards. */
  async during<T>(action: () => Promise<T>): Promise<T> {
    let leave = () => {
      leave = () => {};
      this.leave();
    };
    // A model that gives no answer must not keep others from their turns.
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

  /** The waiting user that has received the least time; among equals, the one that asked first. */
  #takeNext(): Waiting<User> | undefined {
    const had = ({ user, since }: Waiting<User>) => Math.max(this.#had.get(user) ?? 0, since);
    let least = 0;
    for (const [i, waiting] of this.#waiting.entries())
      if (had(waiting) < had(this.#waiting[least]!)) least = i;
    return this.#waiting.splice(least, 1)[0];
  }

  /** The first waiting batch of each other part of the same user. */
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

  /** `user` takes the turns: runners of one user run at the same time. Default: this object itself. */
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

  /** Runs when no other model wants to; undefined when there was no such moment within `limitMs`. */
  async runIdle(slot: number, frames: number, limitMs: number): Promise<TurnRun | undefined> {
    const asked = monotonicMs();
    if (!(await this.#turns.takeIdle(this.#user, limitMs))) return undefined;
    return this.#run(slot, frames, monotonicMs() - asked);
  }

  async #run(slot: number, frames: number, waitedMs: number): Promise<TurnRun> {
    return { ...(await this.#turns.during(() => this.#runner.run(slot, frames))), waitedMs };
  }
}
