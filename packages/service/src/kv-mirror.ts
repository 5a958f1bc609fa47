import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamManager, JsMsg } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { ServiceError } from "./errors.ts";
import type { Logger } from "./log.ts";
import { type MirrorChange, MirrorEntries } from "./mirror-entries.ts";
import type { Nats } from "./nats.ts";
import { isClustered } from "./nats-access.ts";
import { StreamRead } from "./stream-read.ts";

const retryMs = 250;
/** If nothing of the bucket's content arrives for this long, it will not arrive. */
const stuckMs = 5_000;
const lookMs = 1_000;
/**
 * How often the server sends a heartbeat when it has nothing else to send, for buckets whose entries expire and for others. A server without
 * a cluster loses a consumer only with the connection, which is noticed at once.
 */
const expiringHeartbeatMs = 1_000;
const clusterHeartbeatMs = 2_000;
const singleHeartbeatMs = 5_000;
/** After this long without news of a bucket, it is not known what was renewed in it. */
const silentMs = 1_500;
const catchUpLookMs = 2;
const catchUpLimitMs = 5_000;

/**
 * A bucket's content in memory, kept up to date. It is read again when NATS is back, because a server that restarted has forgotten the
 * consumer, and when the consumer is silent: it is on one server of a cluster, and that server alone may be frozen. The library's watch
 * would notice that only after a minute.
 */
export class KvMirror<T> {
  readonly #nats: Nats;
  readonly #kv: KV;
  readonly #decode: (data: Uint8Array) => T;
  readonly #log: Logger;
  readonly #ttlMs: number;
  readonly #entries: MirrorEntries<T>;
  readonly #loaded = Promise.withResolvers<void>();
  #read: StreamRead | undefined;
  #run = 0;
  #seenRevision = 0;
  /** The newest revision that the present run of the watch has shown. */
  #shown = 0;
  /** When the last entry arrived, or the watch began. */
  #heardAt = 0;
  /** Whether all existing entries have arrived, and when the server was last heard about this bucket. */
  #isCurrent = false;
  #aliveAt = 0;
  #bucket = "";
  #unfollow = () => {};
  #stopped = false;

  /** `ttlMs` is the bucket's own TTL, if it has one: NATS does not report that an entry has expired. */
  constructor(nats: Nats, kv: KV, decode: (data: Uint8Array) => T, log: Logger, ttlMs = Infinity) {
    this.#nats = nats;
    this.#kv = kv;
    this.#decode = decode;
    this.#log = log;
    this.#ttlMs = ttlMs;
    // While NATS is away, renewals may not be visible. Once the bucket has been read again, entries that have expired are missing.
    this.#entries = new MirrorEntries(
      ttlMs,
      () => this.#isCurrent && performance.now() - this.#aliveAt < silentMs,
    );
  }

  /** Resolves when the bucket's whole content has arrived. */
  async start(): Promise<void> {
    this.#unfollow = this.#nats.changes.listen({ back: () => void this.#read?.close() });
    void this.#keepWatching();
    await this.#loaded.promise;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unfollow();
    this.#entries.stop();
    void this.#read?.close();
    this.#loaded.resolve();
  }

  /**
   * Resolves when everything that the bucket held at the time of the call has arrived. @throws when NATS does not answer, or does not
   * deliver it within 5 s
   */
  async caughtUp(): Promise<void> {
    const newest = await this.#newest();
    const deadline = performance.now() + catchUpLimitMs;
    while (this.#seenRevision < newest) {
      if (performance.now() > deadline || this.#stopped)
        throw new ServiceError("no_answer", `${this.#bucket} was not read completely`);
      await delay(catchUpLookMs);
    }
  }

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  /** Revision of a key; undefined when the key does not exist. */
  revision(key: string): number | undefined {
    return this.#entries.revision(key);
  }

  keys(): string[] {
    return this.#entries.keys();
  }

  /** Calls `listener` for each change until the returned function is called. */
  onChange(listener: (change: MirrorChange<T>) => void): () => void {
    return this.#entries.onChange(listener);
  }

  /** Applies this process's own write at once, so that it can read what it wrote. */
  applyPut(key: string, revision: number, value: T): void {
    if (revision > this.#seenRevision) this.#entries.set(key, { revision, value, run: this.#run });
  }

  /** Applies this process's own deletion of the given revision at once. */
  applyDelete(key: string, revision: number): void {
    this.#entries.setDeleted(key, revision, this.#run);
  }

  async #keepWatching(): Promise<void> {
    while (!this.#stopped && !this.#nats.connection.isClosed()) {
      try {
        await this.#watchOnce();
      } catch (error) {
        this.#log.debug({ err: error }, "a bucket cannot be watched yet; trying again");
        await delay(retryMs);
      }
    }
  }

  async #watchOnce(): Promise<void> {
    const run = ++this.#run;
    this.#isCurrent = false;
    this.#shown = 0;
    const { bucket, streamInfo } = await this.#kv.status();
    const { state } = streamInfo;
    // A NATS that has lost its newest messages continues from an earlier revision.
    this.#seenRevision = Math.min(this.#seenRevision, state.last_seq);
    const read = await StreamRead.open(this.#nats.jetstream, streamInfo.config.name, {
      from: "newest of each subject",
      subject: `${keyPrefix(bucket)}>`,
      heartbeatMs: this.#heartbeatMs(),
      onIdle: () => {
        this.#aliveAt = performance.now();
      },
    });
    this.#read = read;
    if (this.#stopped) return read.close();
    // The newest message is the newest of its key, so when it has arrived, all have.
    const loading = state.messages > 0;
    if (!loading) this.#finishLoading(run);
    let emptied = 0;
    this.#heardAt = this.#aliveAt = performance.now();
    const look = setInterval(async () => {
      if (loading && (await this.#isStuck(state.last_seq, run))) void read.close();
      // Checked twice, so that restored entries are back by the second time.
      if ((await this.#isEmptied(state.last_seq)) && ++emptied === 2) void read.close();
    }, lookMs);
    if (!loading) clearInterval(look);
    try {
      await this.#follow(read, bucket, run, loading ? state.last_seq : undefined);
    } finally {
      clearInterval(look);
    }
  }

  #heartbeatMs(): number {
    if (this.#ttlMs !== Infinity) return expiringHeartbeatMs;
    return isClustered(this.#nats.connection) ? clusterHeartbeatMs : singleHeartbeatMs;
  }

  /** A bucket that was emptied because its files were damaged never delivers what is awaited: it must be read again. */
  async #isEmptied(last: number): Promise<boolean> {
    if (this.#shown >= last) return false;
    const status = await this.#kv.status().catch(() => undefined);
    return status !== undefined && status.streamInfo.state.first_seq > last && this.#shown < last;
  }

  /**
   * Whether the entries that existed when the watch began do not arrive. The consumer may be on a server of the cluster whose copy is
   * frozen, and the next consumer on another server. Entries that were deleted never arrive and are not awaited.
   */
  async #isStuck(last: number, run: number): Promise<boolean> {
    if (this.#shown >= last || performance.now() - this.#heardAt < stuckMs) return false;
    const newest = await this.#newest().catch(() => undefined);
    if (newest === undefined || run !== this.#run) return false;
    if (this.#shown < newest) {
      this.#log.warn({ bucket: this.#bucket }, "the bucket was not read to its end; reading it again");
      return true;
    }
    this.#finishLoading(run);
    return false;
  }

  /** Sequence of the newest existing message, according to the stream's leader; 0 when there is none. */
  async #newest(): Promise<number> {
    const { config } = (await this.#kv.status()).streamInfo;
    this.#bucket = config.name;
    // The stream's own last sequence may belong to a deleted message.
    return (await this.#nats.manager.streams.getMessage(config.name, { last_by_subj: ">" }))?.seq ?? 0;
  }

  /** `last`: the newest revision when the watch began; undefined when there was none. */
  async #follow(read: StreamRead, bucket: string, run: number, last: number | undefined): Promise<void> {
    let loading = last !== undefined;
    for await (const message of read) {
      this.#receive(message, bucket, run);
      if (loading && message.seq >= last!) {
        loading = false;
        this.#finishLoading(run);
      }
    }
  }

  #receive(message: JsMsg, bucket: string, run: number): void {
    const { seq: revision } = message;
    const key = message.subject.slice(keyPrefix(bucket).length);
    this.#seenRevision = Math.max(this.#seenRevision, revision);
    if (run === this.#run) this.#shown = Math.max(this.#shown, revision);
    this.#heardAt = this.#aliveAt = performance.now();
    const storedAt = message.time.getTime();
    if (this.#entries.isKnown(key, { revision, storedAt, run })) return;
    if (isRemoval(message)) {
      this.#entries.remove(key);
      return;
    }
    try {
      this.#entries.set(key, { revision, value: this.#decode(message.data), storedAt, run: this.#run });
    } catch (error) {
      this.#log.error({ bucket, key, err: error }, "an entry cannot be read; it is ignored");
      this.#entries.remove(key);
    }
  }

  #finishLoading(run: number): void {
    this.#entries.keepOnly(run);
    this.#isCurrent = true;
    this.#loaded.resolve();
  }
}

const keyPrefix = (bucket: string) => `$KV.${bucket}.`;

/** Whether a bucket's message says that its key is gone: deleted, purged, or expired (the server's delete marker, ADR-8). */
function isRemoval({ headers }: JsMsg): boolean {
  return headers?.has("KV-Operation") === true || headers?.has("Nats-Marker-Reason") === true;
}

/**
 * Keys of a bucket that have a value, or had one and left a delete marker. They are read from the stream itself: a request is answered or
 * fails. The consumer behind the library's `keys()` may be lost with a server of a cluster, and then the library waits for ever.
 * @throws when JetStream does not answer
 */
export async function storedKeys(manager: Pick<JetStreamManager, "streams">, bucket: KV): Promise<string[]> {
  const { streamInfo, bucket: name } = await bucket.status();
  const prefix = keyPrefix(name);
  const { state } = await manager.streams.info(streamInfo.config.name, { subjects_filter: `${prefix}>` });
  return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
}
