import { createWriteStream } from "node:fs";
import { realpath, rename, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CliError } from "../errors.ts";

/**
 * Writes text or bytes piece by piece, no faster than the target accepts them: to a file, which appears only when complete, or to
 * standard output if no file is given. A device or pipe is written directly.
 * @throws CliError the file cannot be written
 */
export async function writeExport(
  file: string | undefined,
  pieces: AsyncIterable<string | Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const source = Readable.from(pieces);
  if (file === undefined) return pipeline(source, process.stdout, { signal, end: false });
  const before = await stat(file).catch(() => undefined);
  if (before?.isDirectory()) throw new CliError("output_unusable", `${file} is a folder; name a file in it`);
  try {
    if (before !== undefined && !before.isFile())
      return await pipeline(source, createWriteStream(file), { signal });
    await writeWhole(before ? await realpath(file) : file, source, signal);
  } catch (error) {
    throw isSystemError(error)
      ? new CliError("output_unusable", `${file} cannot be written: ${error.message}`, { cause: error })
      : error;
  }
}

async function writeWhole(file: string, source: Readable, signal: AbortSignal): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await pipeline(source, createWriteStream(partial), { signal });
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
