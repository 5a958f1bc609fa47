const quietMs = 30_000;

/**
 * Shows that a long step goes on and for how long: on a terminal a line of its own on standard error, renewed each second; else
 * a line every 30 s.
 * @returns ends it
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
