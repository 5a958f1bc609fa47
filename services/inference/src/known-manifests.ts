import { stat } from "node:fs/promises";

/** More than a model directory has; beyond it all are read again. */
const mostKnown = 512;

/**
 * Reads manifests that are looked at every second or two: each again only when its file is another. Reading one, checked as JSON, as
 * YAML and by its schema, takes as long as a frame's way through the worker.
 */
export class KnownManifests<Manifest> {
  readonly #read: (path: string) => Promise<Manifest>;
  readonly #known = new Map<string, { file: string; outcome: Promise<Manifest> }>();

  /** `read` reads the manifest of a path, or says what is wrong with it. */
  constructor(read: (path: string) => Promise<Manifest>) {
    this.#read = read;
  }

  /** What reading the manifest has given, a failure included. Not to be changed: others get the same. */
  async get(path: string): Promise<Manifest> {
    const file = await fileState(path);
    const known = this.#known.get(path);
    if (file !== undefined && known?.file === file) return known.outcome;
    this.#known.delete(path);
    const outcome = this.#read(path);
    if (file === undefined) return outcome;
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(path, { file, outcome });
    // That it could not be read may pass; what is wrong in the file does not.
    outcome.catch((error: Error) => {
      const isPassing = error.cause instanceof Error && "syscall" in error.cause;
      if (isPassing && this.#known.get(path)?.outcome === outcome) this.#known.delete(path);
    });
    return outcome;
  }
}

/** Another one whenever the file was written or replaced; undefined when there is none. */
async function fileState(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
}
