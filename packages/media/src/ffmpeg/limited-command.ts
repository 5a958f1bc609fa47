/** An ffmpeg to run, with the memory that it may take. */
export interface FfmpegProgram {
  path: string;
  /** MiB of address space; 0 is no limit. */
  memoryMib: number;
}

/** Decoding 4K H.265 takes 0.4 to 0.7 GiB; what a broken or hostile stream makes ffmpeg ask for ends here. */
export const usualFfmpegMemoryMib = 2048;

/** The shell's exit codes for a program that is not there or cannot be run. */
const notRun: readonly (number | null)[] = [126, 127];

/**
 * Command and arguments that run a program with its memory limited: a shell sets the limit for itself and becomes the program. Where
 * the system has no such limit (macOS), it runs without. With `onlyWritten` only what it writes to is limited: a GPU's driver, and
 * Node, reserve far more addresses than they use.
 */
export function limitedCommand(
  { path, memoryMib }: FfmpegProgram,
  args: readonly string[],
  { onlyWritten = false }: { readonly onlyWritten?: boolean } = {},
): [string, readonly string[]] {
  if (memoryMib === 0) return [path, args];
  const script = `ulimit -${onlyWritten ? "d" : "v"} ${Math.round(memoryMib * 1024)} 2>/dev/null; exec "$@"`;
  return ["/bin/sh", ["-c", script, "sh", path, ...args]];
}

/** Whether a command of `limitedCommand` ended because ffmpeg could not be started. */
export function couldNotRun(exitCode: number | null): boolean {
  return notRun.includes(exitCode);
}
