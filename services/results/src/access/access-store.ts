import type { Bucket, KV } from "@nats-io/kv";
import {
  type AccessRecord,
  accessRecordSchema,
  decodeJson,
  encodeJson,
  type SessionRecord,
  type TokenRecord,
  type UserRecord,
} from "@sightline/contracts";
import { isJetStreamFailure, KvMirror, type Logger, type Nats } from "@sightline/service";
import { ApiError } from "../errors.ts";

/** Replaces a record that cannot be read: it still counts as existing, so that damage never removes access control. */
interface UnreadableRecord {
  kind: "unreadable";
}

type Stored = AccessRecord | UnreadableRecord;
type Kind = AccessRecord["kind"];
type RecordOf<K extends Kind> = Extract<AccessRecord, { kind: K }>;

/** A change of one record; undefined means that there is none. */
export interface AccessChange {
  kind: Kind;
  /** Name of the user, id of the token or hash of the session. */
  id: string;
  value: AccessRecord | undefined;
  previous: AccessRecord | undefined;
}

/** Users, tokens and sessions, stored in NATS and mirrored in memory with the writes of all results processes. */
export class AccessStore {
  readonly #kv: KV;
  readonly #mirror: KvMirror<Stored>;

  constructor(nats: Nats, kv: KV, log: Logger) {
    this.#kv = kv;
    this.#mirror = new KvMirror<Stored>(nats, kv, (data) => decode(data, log), log);
  }

  async start(): Promise<void> {
    await this.#mirror.start();
  }

  async stop(): Promise<void> {
    await this.#mirror.stop();
  }

  /** Whether there is any user, even one that cannot be read. */
  get hasUsers(): boolean {
    return this.#mirror.keys().some((key) => key.startsWith("user."));
  }

  users(): UserRecord[] {
    return this.#all("user").sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  tokens(): TokenRecord[] {
    return this.#all("token").sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Every session, by its hash. */
  sessions(): [hash: string, session: SessionRecord][] {
    return this.#mirror.keys().flatMap((key) => {
      const { kind, id } = splitKey(key);
      const session = kind === "session" ? this.find("session", id) : undefined;
      return session ? [[id, session] as [string, SessionRecord]] : [];
    });
  }

  find<K extends Kind>(kind: K, id: string): RecordOf<K> | undefined {
    const record = this.#mirror.get(keyOf(kind, id));
    return record?.kind === kind ? (record as RecordOf<K>) : undefined;
  }

  /**
   * The caller's token with this id, if it was created as a token (for example for a program); a login's token stands for its user instead.
   * @throws ApiError unauthenticated when it was revoked meanwhile
   */
  madeToken(id: string | undefined): TokenRecord | undefined {
    if (id === undefined) return undefined;
    const record = this.find("token", id);
    if (!record) throw new ApiError("unauthenticated", "this token was revoked");
    return record.login ? undefined : record;
  }

  /** Stores a new record; false when it already exists. @throws ApiError access_unavailable */
  async create(id: string, record: AccessRecord): Promise<boolean> {
    const key = keyOf(record.kind, id);
    return answered(async () => {
      const revision = await this.#kv.create(key, encodeJson(record));
      this.#mirror.applyPut(key, revision, record);
      return true;
    });
  }

  /**
   * Replaces a record with the result of `change`; false when it does not exist, or others wrote it at the same time.
   * @throws ApiError access_unavailable, and what `change` throws
   */
  async update<K extends Kind>(
    kind: K,
    id: string,
    change: (record: RecordOf<K>) => RecordOf<K>,
  ): Promise<boolean> {
    const key = keyOf(kind, id);
    const record = this.find(kind, id);
    const before = this.#mirror.revision(key);
    if (!record || before === undefined) return false;
    const changed = change(record);
    return answered(async () => {
      const revision = await this.#kv.update(key, encodeJson(changed), before);
      this.#mirror.applyPut(key, revision, changed);
      return true;
    });
  }

  /** Removes a record; a missing one is not an error. @throws ApiError access_unavailable */
  async delete(kind: Kind, id: string): Promise<void> {
    const key = keyOf(kind, id);
    const revision = this.#mirror.revision(key);
    await answered(async () => {
      // Purged, not deleted: NATS's files then keep nothing but a marker.
      await this.#kv.purge(key);
      if (revision !== undefined) this.#mirror.applyDelete(key, revision);
      return true;
    });
  }

  /** Removes the markers of records that were removed long ago: each session leaves one. */
  async tidy(): Promise<void> {
    // The interface does not declare it.
    const kv = this.#kv as KV & Pick<Bucket, "purgeDeletes">;
    await kv.purgeDeletes(markMs).catch(() => undefined);
  }

  /** Calls `listener` for each change until the returned function is called. */
  onChange(listener: (change: AccessChange) => void): () => void {
    return this.#mirror.onChange(({ key, value, previous }) => {
      const { kind, id } = splitKey(key);
      if (kind) listener({ kind, id, value: readable(value), previous: readable(previous) });
    });
  }

  #all<K extends Kind>(kind: K): RecordOf<K>[] {
    return this.#mirror.keys().flatMap((key) => {
      const parts = splitKey(key);
      return parts.kind === kind ? (this.find(kind, parts.id) ?? []) : [];
    });
  }
}

/** By then other processes have seen that a record was removed. */
const markMs = 60 * 60_000;

function decode(data: Uint8Array, log: Logger): Stored {
  try {
    return decodeJson(accessRecordSchema, data);
  } catch (error) {
    log.error({ err: error }, "a user, token or session in NATS cannot be read");
    return { kind: "unreadable" };
  }
}

function readable(stored: Stored | undefined): AccessRecord | undefined {
  return stored?.kind === "unreadable" ? undefined : stored;
}

/** Keys allow fewer characters than names. */
function keyOf(kind: Kind, id: string): string {
  const safe = id.replace(
    /[^a-z0-9_-]/g,
    (character) => `=${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `${kind}.${safe}`;
}

function splitKey(key: string): { kind: Kind | undefined; id: string } {
  const [, kind, safe = ""] = /^(user|token|session)\.(.*)$/.exec(key) ?? [];
  const id = safe.replace(/=([0-9a-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  return { kind: kind as Kind | undefined, id };
}

/** False when another client wrote first. */
async function answered(task: () => Promise<true>): Promise<boolean> {
  try {
    return await task();
  } catch (cause) {
    if (isJetStreamFailure(cause, "wrongLastSequence")) return false;
    throw new ApiError(
      "access_unavailable",
      "the store of users and tokens does not answer (NATS); try again",
      {
        cause,
      },
    );
  }
}
