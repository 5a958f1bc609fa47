import { stat } from "node:fs/promises";

/** More than a model directory has; above this, all are read again. */
const mostKnown = 512;

/**
 * Reads manifests that are checked every second or two; a manifest is read again only when its file has changed. Reading
 * one, with the checks as JSON, as YAML and by its schema, takes as long as a frame's way through the worker.
 */
export class KnownManifests<Manifest> {
  readonly #read: (path: string) => Promise<Manifest>;
  readonly #known = new Map<string, { file: string; outcome: Promise<Manifest> }>();

  /** `read` reads the manifest at a path, or rejects with what is wrong. */
  constructor(read: (path: string) => Promise<Manifest>) {
    this.#read = read;
  }

  /** The result of reading the manifest, including a failure. Do not change it: other callers get the same object. */
  async get(path: string): Promise<Manifest> {
    const file = await fileState(path);
    const known = this.#known.get(path);
    if (file !== undefined && known?.file === file) return known.outcome;
    this.#known.delete(path);
    const outcome = this.#read(path);
    if (file === undefined) return outcome;
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(path, { file, outcome });
    // A failure to read may pass; an error in the file's content does not.
    outcome.catch((error: Error) => {
      const isPassing = error.cause instanceof Error && "syscall" in error.cause;
      if (isPassing && this.#known.get(path)?.outcome === outcome) this.#known.delete(path);
    });
    return outcome;
  }
}

/** A value that differs whenever the file was written or replaced; undefined when there is no file. */
async function fileState(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
}
