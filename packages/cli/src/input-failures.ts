/** Failures of a command with many inputs: each is reported at once on standard error, and the rest is still done. */
export class InputFailures {
  readonly #told = new Set<string>();

  /** Reports a failure, unless it was reported before; the command then ends with exit code 1. */
  readonly add = ({ message }: Error): void => {
    process.exitCode = 1;
    if (this.#told.has(message)) return;
    this.#told.add(message);
    process.stderr.write(`${process.stderr.isTTY ? "\r" : ""}sightline: ${message}\n`);
  };

  get count(): number {
    return this.#told.size;
  }
}
