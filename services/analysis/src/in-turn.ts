/** Runs steps one after another. After the first failure, all later steps fail with the same error and are not run. */
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
