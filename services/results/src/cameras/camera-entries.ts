import type { KV } from "@nats-io/kv";
import { encodeJson } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";

/** Optional data of cameras, in its own bucket and mirrored in memory. Methods throw when NATS does not answer. */
export class CameraEntries<T> {
  readonly #kv: KV;
  readonly #mirror: KvMirror<T>;

  constructor(kv: KV, mirror: KvMirror<T>) {
    this.#kv = kv;
    this.#mirror = mirror;
  }

  find(camera: string): T | undefined {
    return this.#mirror.get(camera);
  }

  /** Resolves when everything that others have stored until now is in memory. */
  caughtUp(): Promise<void> {
    return this.#mirror.caughtUp();
  }

  /** Calls `listener` with a camera's id whenever its entry changes. */
  onChange(listener: (camera: string) => void): () => void {
    return this.#mirror.onChange(({ key }) => listener(key));
  }

  /** Stores an entry, or removes it with null. */
  async apply(camera: string, entry: T | null): Promise<void> {
    if (entry !== null) this.#mirror.applyPut(camera, await this.#kv.put(camera, encodeJson(entry)), entry);
    else await this.#remove(camera);
  }

  async #remove(camera: string): Promise<void> {
    // Reads the bucket itself: what another process has just written may not be in memory yet.
    const entry = await this.#kv.get(camera);
    if (entry?.operation !== "PUT") return;
    await this.#kv.delete(camera);
    this.#mirror.applyDelete(camera, entry.revision);
  }
}
