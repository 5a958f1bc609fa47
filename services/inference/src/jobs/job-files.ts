import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { KV } from "@nats-io/kv";
import { type KeptFile, pieceBytes, pieceCount, pieceKey } from "@sightline/contracts";
import { WorkerError } from "../errors.ts";

/**
 * Writes a file that is stored in pieces in NATS to `path`, with one piece in memory at a time.
 * @throws WorkerError stored_file_broken when a piece is missing or the digest differs from the given one; also the errors of NATS and the
 *   disk
 */
export async function fetchFile(
  files: KV,
  holder: string,
  { name, bytes, sha256 }: { name: string; bytes: number; sha256?: string },
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash("sha256");
  const file = await open(path, "w", 0o600);
  try {
    let written = 0;
    for (let piece = 0; piece < pieceCount(bytes); piece++) {
      signal.throwIfAborted();
      const entry = await files.get(pieceKey(holder, name, piece));
      if (entry?.operation !== "PUT")
        throw new WorkerError(
          "stored_file_broken",
          `the file ${name} is incomplete in NATS: piece ${piece} is missing`,
        );
      hash.update(entry.value);
      await file.appendFile(entry.value);
      written += entry.value.byteLength;
    }
    if (written !== bytes)
      throw new WorkerError(
        "stored_file_broken",
        `the file ${name} has ${written} bytes in NATS, not ${bytes}`,
      );
  } finally {
    await file.close();
  }
  if (sha256 !== undefined && hash.digest("hex") !== sha256)
    throw new WorkerError(
      "stored_file_broken",
      `the file ${name} in NATS is not the one that was stored: its digest differs`,
    );
}

/**
 * Stores a file in pieces.
 * @throws the errors of NATS and the disk
 */
export async function storeFile(
  files: KV,
  holder: string,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<KeptFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  let piece = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: pieceBytes }) as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    hash.update(chunk);
    bytes += chunk.byteLength;
    await files.put(pieceKey(holder, name, piece++), chunk);
  }
  return { name, bytes, sha256: hash.digest("hex") };
}
