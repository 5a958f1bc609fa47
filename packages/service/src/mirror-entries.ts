interface Entry<T> {
  revision: number;
  /** Undefined: this process deleted the key, and the watch has not shown the deletion yet. */
  value: T | undefined;
  receivedAt: number;
  /** When NATS stored it, in milliseconds; undefined for this process's own write that the watch has not shown yet. */
  storedAt: number | undefined;
  /** The run of the watch that last showed this key. */
  run: number;
}

/** A change of one key; `previous` is undefined when the key is new. */
export type MirrorChange<T> = { key: string; value: T | undefined; previous: T | undefined };

/**
 * The entries of a mirrored bucket: what a run of its watch showed and what this process wrote itself. Tells of each change, and removes
 * entries that have expired, because NATS does not report that.
 */
export class MirrorEntries<T> {
  readonly #ttlMs: number;
  readonly #isCurrent: () => boolean;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #listeners = new Set<(change: MirrorChange<T>) => void>();
  #sweeper: NodeJS.Timeout | undefined;
  #stopped = false;

  /** `isCurrent`: whether an entry that was renewed would have arrived; otherwise nothing counts as expired. */
  constructor(ttlMs: number, isCurrent: () => boolean) {
    this.#ttlMs = ttlMs;
    this.#isCurrent = isCurrent;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#sweeper);
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Revision of a key; undefined when the key does not exist. */
  revision(key: string): number | undefined {
    const entry = this.#entries.get(key);
    return entry?.value === undefined ? undefined : entry.revision;
  }

  keys(): string[] {
    return [...this.#entries].filter(([, entry]) => entry.value !== undefined).map(([key]) => key);
  }

  /** Calls `listener` for each change until the returned function is called. */
  onChange(listener: (change: MirrorChange<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Whether an entry from the watch is already known or older than the known one; if so, it counts as shown. A new run of the watch shows what
   * exists. Its revision may be lower than the known one: NATS has lost its newest messages, and other messages may have their revisions.
   */
  isKnown(key: string, { revision, storedAt, run }: Omit<Shown<T>, "value">): boolean {
    const known = this.#entries.get(key);
    if (!known) return false;
    const isSame = known.revision === revision && (known.storedAt ?? storedAt) === storedAt;
    if (known.run === run ? known.revision < revision : !isSame) return false;
    known.run = run;
    known.storedAt ??= storedAt;
    return true;
  }

  set(key: string, { revision, value, storedAt, run }: Shown<T>): void {
    const previous = this.#entries.get(key)?.value;
    this.#entries.set(key, { revision, value, receivedAt: performance.now(), storedAt, run });
    this.#awaitExpiry();
    if (value !== undefined || previous !== undefined) this.#tell({ key, value, previous });
  }

  /** This process deleted the given revision; a newer one stays. */
  setDeleted(key: string, revision: number, run: number): void {
    if (this.#entries.get(key)?.revision === revision) this.set(key, { revision, value: undefined, run });
  }

  remove(key: string): void {
    const previous = this.#entries.get(key)?.value;
    if (this.#entries.delete(key) && previous !== undefined) this.#tell({ key, value: undefined, previous });
  }

  /** Removes the entries that this run of the watch has not shown: they are gone. */
  keepOnly(run: number): void {
    for (const [key, entry] of this.#entries) if (entry.run !== run) this.remove(key);
  }

  /** Checks again when the first entry may have expired; entries that are renewed in time cause no checks in between. */
  #awaitExpiry(): void {
    if (this.#ttlMs === Infinity || this.#sweeper || this.#stopped || this.#entries.size === 0) return;
    const first = Math.min(...[...this.#entries.values()].map(({ receivedAt }) => receivedAt));
    const inMs = first + this.#ttlMs - performance.now();
    this.#sweeper = setTimeout(() => this.#sweepExpired(), Math.max(inMs, this.#ttlMs / 16));
  }

  #sweepExpired(): void {
    this.#sweeper = undefined;
    const oldest = performance.now() - this.#ttlMs;
    if (this.#isCurrent())
      for (const [key, entry] of this.#entries) if (entry.receivedAt <= oldest) this.remove(key);
    this.#awaitExpiry();
  }

  #tell(change: MirrorChange<T>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** An entry that the watch showed, or that this process wrote itself, without `storedAt`. */
interface Shown<T> {
  revision: number;
  value: T | undefined;
  storedAt?: number;
  run: number;
}
