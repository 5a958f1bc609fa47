import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { CliError } from "../errors.ts";

export interface DownloadOptions {
  /** SHA-256 that the file must have, as 64 hexadecimal digits. */
  readonly sha256: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((bytes: number, total: number | undefined) => void) | undefined;
  /** Milliseconds before another attempt after a broken connection. Default 1000. */
  readonly pauseMs?: number | undefined;
}

/** How many attempts in a row may bring nothing before giving up. */
const idleTries = 4;
/** Space that must stay free besides the file, for what the import writes. */
const spareBytes = 32 * 2 ** 20;

/**
 * Downloads a file by HTTP to `target`, where it appears complete and checked, or not at all. If the connection breaks or this process
 * ends, the received part stays in `target.part`, and the download continues from there as long as the server says that it is the same
 * file.
 * @returns the file's SHA-256
 * @throws CliError when the server has no such file, there is no space, or the digest differs
 */
export async function downloadFile(url: string, target: string, options: DownloadOptions): Promise<string> {
  await mkdir(dirname(target), { recursive: true });
  const part = `${target}.part`;
  if (!(await sizeOf(target))) {
    await fetchWhole(url, part, options);
    await rename(part, target);
    await rm(tagFile(part), { force: true });
  }
  const digest = await sha256Of(target);
  if (options.sha256 !== undefined && digest !== options.sha256.toLowerCase()) {
    await rm(target);
    throw new CliError(
      "input_unusable",
      `${url} gave a file whose SHA-256 is ${digest} and not ${options.sha256}; it was removed: do not use it unless its publisher names the first`,
    );
  }
  return digest;
}

async function fetchWhole(url: string, part: string, options: DownloadOptions): Promise<void> {
  for (let idle = 0; ; ) {
    const before = await sizeOf(part);
    try {
      await fetchRest(url, part, before, options);
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof CliError) throw error;
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOSPC" || code === "EDQUOT")
        throw new CliError(
          "output_unusable",
          `${part}: there is no room on the disk; what came stays for the next try`,
          {
            cause: error,
          },
        );
      if (code === "EACCES" || code === "EROFS")
        throw new CliError("output_unusable", `${part} cannot be written: ${code}`, { cause: error });
      idle = (await sizeOf(part)) > before ? 0 : idle + 1;
      if (idle === idleTries) {
        const { message, cause } = error as Error;
        throw new CliError(
          "no_answer",
          `${url} cannot be fetched: ${cause instanceof Error ? cause.message : message}`,
          { cause: error },
        );
      }
      const { signal, pauseMs = 1000 } = options;
      await delay(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** Appends the missing part. Throws the error that broke the connection. */
async function fetchRest(
  url: string,
  part: string,
  have: number,
  { signal, onProgress }: DownloadOptions,
): Promise<void> {
  const tag = have > 0 ? await readFile(tagFile(part), "utf8").catch(() => undefined) : undefined;
  const resumes = have > 0 && tag !== undefined;
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  // The server knows which file was begun; if another file has the same name now, it sends that one completely.
  if (resumes) Object.assign(headers, { range: `bytes=${have}-`, "if-range": tag });
  const response = await fetch(url, { headers, signal });
  const ranged = response.status === 206 && resumes;
  if (response.status === 416) {
    await response.body?.cancel();
    await rm(part, { force: true });
    throw new Error("the server has less of the file than is here; the download begins again");
  }
  if (!ranged && response.status !== 200) {
    await response.body?.cancel();
    // Problems on the server's side may be temporary.
    if (response.status >= 500 || response.status === 429)
      throw new Error(`the server answers ${response.status}`);
    throw new CliError("not_found", `${url} is not there: the server answers ${response.status}`);
  }
  const from = ranged ? have : 0;
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const total = Number.isNaN(length) ? undefined : from + length;
  if (total !== undefined) await requireRoom(part, total - from);
  const newTag = response.headers.get("etag") ?? response.headers.get("last-modified");
  // A weak tag does not promise identical bytes.
  if (!ranged && newTag && !newTag.startsWith("W/")) await writeFile(tagFile(part), newTag);
  const file = await open(part, ranged ? "a" : "w");
  let bytes = from;
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      await file.writeFile(chunk);
      bytes += chunk.byteLength;
      onProgress?.(bytes, total);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (total !== undefined && bytes !== total)
    throw new Error(`the connection ended after ${bytes} of ${total} bytes`);
}

async function requireRoom(part: string, missing: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(part));
  if (bavail * bsize >= missing + spareBytes) return;
  const mb = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new CliError(
    "output_unusable",
    `there is no room for it in ${dirname(part)}: ${mb(missing + spareBytes)} are needed and ${mb(bavail * bsize)} are free`,
  );
}

function tagFile(part: string): string {
  return `${part}.tag`;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
