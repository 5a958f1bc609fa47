import { globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The wall clock of processes that are started with `env`, as libfaketime shows it. Their monotonic clock is not changed. */
export class SteppedClock {
  readonly env: NodeJS.ProcessEnv;
  readonly #directory = mkdtempSync(join(tmpdir(), "sightline-clock-"));
  readonly #file = join(this.#directory, "offset");

  constructor() {
    const [library] = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1");
    if (library === undefined) throw new Error("libfaketime is missing: deploy/system-packages.sh clock");
    this.set(0);
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** Sets the clock to this many seconds ahead of the real one; processes see it within a second. */
  set(seconds: number): void {
    writeFileSync(`${this.#file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
