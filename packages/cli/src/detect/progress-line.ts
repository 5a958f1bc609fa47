/** Progress on a terminal's standard error: frames done, frames per second, time left. */
export class ProgressLine {
  private readonly total: number | undefined;
  private readonly started = performance.now();
  private done = 0;

  /** @param total frames expected, when known */
  constructor(total: number | undefined) {
    this.total = total;
  }

  /** Count one frame. */
  advance(): void {
    this.done += 1;
    if (!process.stderr.isTTY) return;
    const rate = this.rate();
    const of = this.total === undefined ? "" : `/${this.total}`;
    const left =
      this.total === undefined ? "" : `  ETA ${duration(Math.max(0, this.total - this.done) / rate)}`;
    process.stderr.write(`\r${this.done}${of} frames  ${rate.toFixed(1)} frames/s${left}   `);
  }

  /** Replace the line by a summary. */
  finish(): void {
    const line = summaryOf(this.done, this.seconds());
    process.stderr.write(process.stderr.isTTY ? `\r${line.padEnd(60)}\n` : `${line}\n`);
  }

  private rate(): number {
    return this.done / this.seconds();
  }

  private seconds(): number {
    return Math.max(1e-3, (performance.now() - this.started) / 1000);
  }
}

/** Number of frames and duration; a rate only if there were frames. */
export function summaryOf(frames: number, seconds: number): string {
  const done = `${frames} ${frames === 1 ? "frame" : "frames"} in ${duration(seconds)}`;
  return frames === 0 ? done : `${done}, ${(frames / seconds).toFixed(1)} frames/s`;
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

const quietMs = 30_000;

/**
 * Shows that a long step is running and for how long: on a terminal in one line on standard error, updated each second; otherwise a line
 * every 30 s.
 * @returns a function that ends it
 */
export function showElapsed(step: string): () => void {
  const began = performance.now();
  const { isTTY } = process.stderr;
  const line = () => `${step}, ${elapsed(performance.now() - began)}`;
  if (!isTTY) console.error(step);
  const timer = setInterval(
    () => (isTTY ? process.stderr.write(`\r${line().padEnd(70)}`) : console.error(line())),
    isTTY ? 1_000 : quietMs,
  );
  return () => {
    clearInterval(timer);
    process.stderr.write(isTTY ? `\r${line().padEnd(70)}\n` : `${line()}: done\n`);
  };
}

/** For people: "9 s", "3 min 20 s". */
export function elapsed(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
