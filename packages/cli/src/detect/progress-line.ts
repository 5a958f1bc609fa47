/** Progress on a terminal's standard error: frames done, frames per second, time to go. */
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

/** What was done in how long; a rate only where there was something. */
export function summaryOf(frames: number, seconds: number): string {
  const done = `${frames} ${frames === 1 ? "frame" : "frames"} in ${duration(seconds)}`;
  return frames === 0 ? done : `${done}, ${(frames / seconds).toFixed(1)} frames/s`;
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
