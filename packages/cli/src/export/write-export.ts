import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * Writes text piece by piece, no faster than it is taken: to a file, which is there only once it is whole, or, without one, to
 * standard output.
 */
export async function writeExport(
  file: string | undefined,
  pieces: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const source = Readable.from(pieces);
  if (file === undefined) return pipeline(source, process.stdout, { signal, end: false });
  const partial = `${file}.partial`;
  try {
    await pipeline(source, createWriteStream(partial), { signal });
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
