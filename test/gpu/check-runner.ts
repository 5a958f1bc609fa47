/** Runs checks one after the other, each within a time limit, and counts what became of them. */

/** A check cannot be made on this machine. */
export class Skipped extends Error {
  override readonly name = "Skipped";
}

export interface CheckOptions {
  limitMs: number;
  /** Only checks whose name contains it. */
  only: string;
}

export class CheckRunner {
  readonly #options: CheckOptions;
  readonly #counts = { passed: 0, failed: 0, skipped: 0 };

  constructor(options: CheckOptions) {
    this.#options = options;
  }

  /** Runs a check; what `body` returns is printed behind its name. Its signal aborts when the time is up. */
  async check(name: string, body: (signal: AbortSignal) => Promise<string | undefined>): Promise<void> {
    if (!name.includes(this.#options.only)) return;
    const began = performance.now();
    const seconds = () => `${((performance.now() - began) / 1000).toFixed(0)} s`;
    const progress = setInterval(() => console.error(`  … ${name}, ${seconds()}`), 15_000);
    console.error(`  … ${name}`);
    const signal = AbortSignal.timeout(this.#options.limitMs);
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () =>
        reject(new Error(`not done within ${this.#options.limitMs / 1000} s (--limit)`)),
      );
    });
    try {
      const note = await Promise.race([body(signal), late]);
      this.#counts.passed += 1;
      console.log(`✓ ${name} (${seconds()})${note ? `: ${note}` : ""}`);
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof Skipped) {
        this.#counts.skipped += 1;
        console.log(`– ${name}: skipped: ${message}`);
      } else {
        this.#counts.failed += 1;
        console.log(`✗ ${name} (${seconds()}): ${message}`);
      }
    } finally {
      clearInterval(progress);
    }
  }

  /** Prints the sums and returns the exit code. */
  end(): number {
    const { passed, failed, skipped } = this.#counts;
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    return failed === 0 ? 0 : 1;
  }
}
