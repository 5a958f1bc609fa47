/** What a command over many inputs could not do: each is told at once, on standard error, while the rest is done. */
export class InputFailures {
  readonly #told = new Set<string>();

  /** Tells of a failure, unless it has been told; the command then ends with exit code 1. */
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
