import { type ChildProcess, spawn } from "node:child_process";
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { limits } from "@sightline/contracts";
import { limitedCommand } from "@sightline/media";
import { IngestError } from "../../errors.ts";
import type { EncodedPicture } from "../encode-picture.ts";
import type { DecodeRequest, DecoderMessage } from "./decoder-messages.ts";

const program = new URL("decoder-process.ts", import.meta.url);
/** A process that is not ready after this long is ended. */
const startMs = 30_000;
const mostWords = 2_000;
/** What Node itself reserves, mostly for its code, in addition to what decoding uses. */
const nodeMib = 1_024;

export interface KeptPicture extends EncodedPicture {
  /**
   * Compressed pictures that were decoded for it: fewer where the decoder continued from an earlier picture of the group.
   */
  decoded: number;
  /** Processor time that was used, in milliseconds. */
  cpuMs: number;
}

interface Pending {
  resolve: (picture: KeptPicture) => void;
  reject: (error: Error) => void;
  late: NodeJS.Timeout;
}

export interface RunningDecoderOptions {
  /** Memory limit for decoding; 0 means none. */
  memoryMib: number;
  /**
   * A picture needs a fraction of a second; a process that does not answer for this long hangs and is ended. Default: 10 s.
   */
  longestMs?: number | undefined;
  /** Its program. */
  entry?: URL | undefined;
}

/** One run of the process that decodes pictures. */
export class RunningDecoder {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #ready: Promise<void>;
  readonly #closed = Promise.withResolvers<void>();
  readonly #longestMs: number;
  readonly #ended: () => void;
  /** The request that went so long without an answer that the process was killed. */
  #hangsOn: number | undefined;

  /** `ended` is called when it has ended. */
  constructor({ memoryMib, longestMs = 10_000, entry = program }: RunningDecoderOptions, ended: () => void) {
    this.#longestMs = longestMs;
    this.#ended = ended;
    const cache = getCompileCacheDir();
    const node = { path: process.execPath, memoryMib: memoryMib === 0 ? 0 : memoryMib + nodeMib };
    this.#child = spawn(
      ...limitedCommand(node, ["--no-warnings", fileURLToPath(entry)], { onlyWritten: true }),
      {
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        serialization: "advanced",
        // Code that reads bytes from cameras must not see the rest of the service's environment.
        env: cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) },
      },
    );
    this.#ready = this.#start();
    this.#ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it has nothing to do. */
  get idle(): boolean {
    return this.#pending.size === 0;
  }

  /** @throws IngestError decoder_unavailable, decoder_ended, decoder_ended_by_another, picture_undecodable */
  async ask(request: DecodeRequest): Promise<KeptPicture> {
    await this.#ready;
    const { promise, resolve, reject } = Promise.withResolvers<KeptPicture>();
    const late = setTimeout(() => {
      this.#hangsOn ??= request.id;
      void this.kill();
    }, this.#longestMs);
    this.#pending.set(request.id, { resolve, reject, late });
    // A process that has ended reports that by its exit.
    this.#child.send(request, () => undefined);
    return promise;
  }

  /** Resolves when it has ended. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed.promise;
  }

  #start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let words = "";
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      words = (words + text).slice(0, mostWords);
    });
    const late = setTimeout(() => void this.kill(), startMs);
    const end = (why: string) => {
      clearTimeout(late);
      reject(new IngestError("decoder_unavailable", why));
      for (const [id, pending] of this.#pending) {
        clearTimeout(pending.late);
        const byAnother = this.#hangsOn !== undefined && this.#hangsOn !== id;
        pending.reject(new IngestError(byAnother ? "decoder_ended_by_another" : "decoder_ended", why));
      }
      this.#pending.clear();
      this.#closed.resolve();
      this.#ended();
    };
    this.#child.once("error", (error) => end(error.message));
    this.#child.once("close", (code, signal) => end(`${reasonIn(words)} (${signal ?? `exit code ${code}`})`));
    this.#child.on("message", (message: DecoderMessage) => {
      clearTimeout(late);
      if ("ready" in message) resolve();
      else this.#answered(message);
    });
    return promise;
  }

  #answered(message: Exclude<DecoderMessage, { ready: true }>): void {
    const { id, ...answer } = message;
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.late);
    if ("failure" in answer) {
      pending.reject(new IngestError("picture_undecodable", answer.failure));
      return;
    }
    const { jpeg: data, ...facts } = answer;
    if (data.byteLength <= limits.maxPictureBytes) pending.resolve({ ...facts, data });
    else
      pending.reject(
        new IngestError(
          "picture_undecodable",
          `it has ${data.byteLength} bytes, which is too large for an answer`,
        ),
      );
  }
}

/** The line with the error in Node's output when it ends. */
function reasonIn(words: string): string {
  return (
    words
      .split("\n")
      .find((line) => /error|fatal/i.test(line))
      ?.replace(/^\W+/, "") ?? "it ended"
  );
}
