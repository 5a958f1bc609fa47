import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import { couldNotRun, type FfmpegProgram, limitedCommand } from "@sightline/media";
import { lookEvery } from "./look-every.ts";
import { socketPair } from "./socket-pair.ts";

const termGraceMs = 1_000;
/** More than ffmpeg writes at once. */
const reportBytes = 64 * 1024;
/** A waiting report is read after this long at the latest. */
const lookMs = 250;
/** Pieces of a picture of at least this size are read one by one. */
const muchBytes = 128 * 1024;

export interface FfmpegProcessOptions {
  ffmpeg: FfmpegProgram;
  arguments: readonly string[];
  /** Whether it decodes on a GPU. */
  gpu: boolean;
  /** Writes ffmpeg's input. */
  feed: (stdin: Writable) => void;
  /** Where the next bytes of stdout go. */
  target: () => Uint8Array;
  /** This many bytes of stdout have been put there. Returns whether they complete a picture. */
  received: (bytes: number) => boolean;
  /** A piece of stderr, split at any place. */
  report: (text: string) => void;
  /**
   * Whether the current reports may wait for the next pixels: they are then read together with them, not in nine pieces for
   * each picture.
   */
  reportWaits: () => boolean;
}

/** One ffmpeg process. Its stdout is read into memory that the caller chooses. */
export class FfmpegProcess {
  /**
   * Resolves with the exit code when the process has ended and all its output was read; with undefined when a signal ended
   * it or it could not be run.
   */
  readonly ended: Promise<number | undefined>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ended: Promise<number | undefined>) {
    this.#child = child;
    this.ended = ended;
  }

  /** @throws the system's error when the process cannot be started */
  static async start(options: FfmpegProcessOptions): Promise<FfmpegProcess> {
    const text = Buffer.alloc(reportBytes);
    let hasExited = false;
    const [output, report] = await Promise.all([
      socketPair(options.target, (bytes) => {
        report.reader.resume();
        const goOn = options.received(bytes) || bytes >= muchBytes;
        // ffmpeg writes a picture in many small pieces: if the next read comes a moment later, several pieces are there.
        if (!goOn) setImmediate(() => output.reader.resume());
        return goOn;
      }),
      socketPair(
        () => text,
        (bytes) => {
          options.report(text.toString("utf8", 0, bytes));
          return hasExited || !options.reportWaits();
        },
      ),
    ]);
    const readers = [output.reader, report.reader];
    const limits = { onlyWritten: options.gpu };
    let child: ChildProcess;
    try {
      child = spawn(...limitedCommand(options.ffmpeg, options.arguments, limits), {
        stdio: ["pipe", output.writer, report.writer],
      });
      // A process that ends before it has read its input reports that by its exit.
      child.stdin?.on("error", () => undefined);
      await once(child, "spawn");
    } catch (error) {
      for (const reader of readers) reader.on("error", () => undefined).destroy();
      throw error;
    } finally {
      output.writer.destroy();
      report.writer.destroy();
    }
    const endLooks = lookEvery(lookMs, () => report.reader.resume());
    const closed = Promise.all(readers.map(untilClosed)).finally(endLooks);
    const exited = once(child, "exit").then(([code]) => {
      hasExited = true;
      report.reader.resume();
      return code as number | null;
    });
    if (child.stdin) options.feed(child.stdin);
    const ended = Promise.all([exited, closed]).then(([code]) =>
      couldNotRun(code) ? undefined : (code ?? undefined),
    );
    return new FfmpegProcess(child, ended);
  }

  /** Ends the process: SIGTERM, then SIGKILL. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), termGraceMs);
    await this.ended;
    clearTimeout(timer);
  }
}

async function untilClosed(reader: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    reader
      .on("error", () => undefined)
      .once("close", () => resolve())
      .resume();
  });
}
