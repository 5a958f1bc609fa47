/** Runs steps one after another. The first that fails is the last: all after it fail in the same way, without being run. */
export class InTurn {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when the step is done. */
  run(step: () => Promise<void>): Promise<void> {
    const done = this.#last.then(step);
    this.#last = done;
    done.catch(() => undefined);
    return done;
  }
}
