import { createReadStream, createWriteStream, rmSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { ServiceError } from "../errors.ts";

/** A tar file that only its owner can read. It gets its final name when it is complete. */
export class ArchiveWriter {
  readonly #path: string;
  readonly #pack = pack();
  readonly #written: Promise<void>;

  constructor(path: string) {
    this.#path = path;
    // A leftover partial file would keep its own permissions.
    rmSync(this.#partial, { force: true });
    this.#written = pipeline(this.#pack, createWriteStream(this.#partial, { mode: 0o600 }));
    // add() or finish() reports the error.
    this.#written.catch(() => undefined);
  }

  get #partial(): string {
    return `${this.#path}.partial`;
  }

  async add(name: string, data: Uint8Array): Promise<void> {
    const added = new Promise<void>((resolve, reject) => {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      this.#pack.entry({ name, mode: 0o600 }, bytes, (error) => (error ? reject(error) : resolve()));
    });
    // A full disk ends the file, but never the entry.
    await Promise.race([added, this.#written]);
  }

  async finish(): Promise<void> {
    this.#pack.finalize();
    await this.#written;
    await rename(this.#partial, this.#path);
  }

  async abandon(): Promise<void> {
    this.#pack.destroy();
    await this.#written.catch(() => undefined);
    await rm(this.#partial, { force: true });
  }
}

/** The entries of a tar file, in order. @throws ServiceError backup_unusable: it is not a tar file; or the error of the file system */
export async function* entriesOf(path: string): AsyncGenerator<{ name: string; data: Buffer }> {
  const reader = extract();
  const source = createReadStream(path);
  source.on("error", (error) => reader.destroy(error));
  source.pipe(reader);
  try {
    for await (const entry of reader) {
      const parts: Buffer[] = [];
      for await (const part of entry) parts.push(part as Buffer);
      yield { name: entry.header.name, data: Buffer.concat(parts) };
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
    throw new ServiceError(
      "backup_unusable",
      `${path} cannot be read as a backup: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  } finally {
    source.destroy();
  }
}
