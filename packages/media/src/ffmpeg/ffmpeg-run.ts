import { type ChildProcess, spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";

/** How many characters of ffmpeg's stderr are kept. */
const mostLast = 2_000;
const mostFirst = 100_000;

/** Why ffmpeg gave nothing: it could not be started, or it failed. */
export type FfmpegErrorCode = "ffmpeg_not_started" | "ffmpeg_failed";

/** ffmpeg failed; the message contains its own words. */
export class FfmpegError extends Error {
  override readonly name = "FfmpegError";
  readonly code: FfmpegErrorCode;

  constructor(code: FfmpegErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface FfmpegRunOptions {
  /** The pipes that are used: its stdin, its stdout, and file descriptor 3 for more output. The others are not connected. */
  readonly pipes?: readonly ("stdin" | "stdout" | "extra")[];
  /** What is kept of stderr: its end (the default) or its start; or a function that gets all of it, in pieces split anywhere. */
  readonly words?: "last" | "first" | ((text: string) => void);
  /** Ends the process when it aborts. Use `AbortSignal.timeout` to limit its time. */
  readonly signal?: AbortSignal | undefined;
}

/** How a run ended. */
export interface FfmpegEnd {
  /** The exit code; null when a signal ended it. */
  readonly code: number | null;
  /** What is kept of stderr. */
  readonly words: string;
  /** Why it could not be started; undefined if it ran. */
  readonly notRun: Error | undefined;
}

/** One ffmpeg process. All of its stderr is read, so it never blocks on that. */
export class FfmpegRun {
  /** Resolves when the process has ended and all its output was read. Never rejects. */
  readonly ended: Promise<FfmpegEnd>;
  readonly #child: ChildProcess;
  #words = "";

  /** If the program has no memory limit, its path is enough. */
  constructor(
    ffmpeg: FfmpegProgram | string,
    args: readonly string[],
    { pipes = [], words = "last", signal }: FfmpegRunOptions = {},
  ) {
    const program = typeof ffmpeg === "string" ? { path: ffmpeg, memoryMib: 0 } : ffmpeg;
    const pipe = (name: (typeof pipes)[number]) => (pipes.includes(name) ? "pipe" : "ignore");
    this.#child = spawn(...limitedCommand(program, args), {
      stdio: [pipe("stdin"), pipe("stdout"), "pipe", pipe("extra")],
    });
    const kill = () => this.kill();
    signal?.addEventListener("abort", kill);
    if (signal?.aborted) kill();
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, notRun?: Error) => {
        signal?.removeEventListener("abort", kill);
        resolve({ code, words: this.#words, notRun });
      };
      // This must come first: if no file descriptors are left, the child has no pipes, and an error event without a listener would end
      // this process.
      this.#child.once("error", (error) => end(null, error));
      this.#child.once("close", (code) =>
        end(code, couldNotRun(code) ? new Error(`there is no program ${program.path}`) : undefined),
      );
    });
    // If a process ends before it has read its input, its exit reports the problem.
    this.#child.stdin?.on("error", () => undefined);
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (typeof words === "function") words(text);
      else if (words === "first") this.#words = (this.#words + text).slice(0, mostFirst);
      else this.#words = (this.#words + text).slice(-mostLast);
    });
  }

  get stdin(): Writable {
    return this.#child.stdin ?? new Writable({ write: (_chunk, _encoding, done) => done() });
  }

  get stdout(): Readable {
    return this.#child.stdout ?? Readable.from([]);
  }

  /** What it writes to file descriptor 3. */
  get extra(): Readable {
    return (this.#child.stdio?.[3] as Readable | undefined) ?? Readable.from([]);
  }

  /** Ends the process at once; does nothing if it has already ended. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** All of stdout, and how the process ended. Never rejects. */
  async output(): Promise<FfmpegEnd & { data: Buffer }> {
    const all = buffer(this.stdout).catch(() => Buffer.alloc(0));
    const end = await this.ended;
    return { ...end, data: end.notRun ? Buffer.alloc(0) : await all };
  }
}

/**
 * Runs ffmpeg to its end and returns what it wrote to stdout.
 * @throws FfmpegError when it cannot be started or fails; the signal's reason when that aborts
 */
export async function runFfmpeg(
  ffmpeg: FfmpegProgram | string,
  args: readonly string[],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Buffer> {
  const { data, code, words, notRun } = await new FfmpegRun(ffmpeg, args, {
    pipes: ["stdout"],
    signal,
  }).output();
  signal?.throwIfAborted();
  if (notRun)
    throw new FfmpegError("ffmpeg_not_started", `ffmpeg cannot be run: ${notRun.message}`, { cause: notRun });
  if (code !== 0) throw new FfmpegError("ffmpeg_failed", `ffmpeg ended with ${code}: ${words.trim()}`);
  return data;
}

/** Splits a stream, such as raw video, into pieces of this many bytes; an incomplete piece at the end is dropped. */
export async function* piecesOf(stream: Readable, bytes: number): AsyncGenerator<Uint8Array> {
  let piece = new Uint8Array(bytes);
  let filled = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let offset = 0; offset < chunk.length; ) {
      const part = chunk.subarray(offset, offset + bytes - filled);
      piece.set(part, filled);
      filled += part.length;
      offset += part.length;
      if (filled < bytes) continue;
      yield piece;
      piece = new Uint8Array(bytes);
      filled = 0;
    }
  }
}

/** An ffmpeg to run, with the memory that it may take. */
export interface FfmpegProgram {
  path: string;
  /** MiB of address space; 0 means no limit. */
  memoryMib: number;
}

/** Decoding 4K H.265 takes 0.4 to 0.7 GiB; a broken or hostile stream that makes ffmpeg ask for more is stopped here. */
export const usualFfmpegMemoryMib = 2048;

/** The shell's exit codes for a program that does not exist or cannot be run. */
const notRun: readonly (number | null)[] = [126, 127];

/**
 * Command and arguments that run a program with its memory limited: a shell limits itself and then becomes the program. Where the system
 * has no such limit (macOS), it runs without. With `onlyWritten`, only memory that it writes to is limited: GPU drivers and Node reserve
 * far more address space than they use.
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
