import { countHeld } from "./even-share.ts";
import type { KvMirror } from "./kv-mirror.ts";
import { isLeaving, type LeaseSession, sessionKey } from "./lease-session.ts";

export interface LeaseViewOptions {
  /** The registered things: each key is one thing to hold. */
  records: Pick<KvMirror<unknown>, "keys">;
  /** This process's session. */
  session: LeaseSession;
  /** Content of the bucket of holders: key of a thing → session that holds it. */
  holders: KvMirror<string>;
  /** Content of the bucket of leases: the living sessions, and the presence of each process. */
  leases: KvMirror<string>;
  /** First part of the things' keys; the second part is the record's key. */
  kind: string;
  /** First part of the keys with which the processes that share the work announce themselves. */
  presence: string;
}

/** Key in the bucket of leases with which a process announces itself. */
export function presenceKey(presence: string, holder: string): string {
  return `${presence}.${holder.replaceAll(".", "-")}`;
}

/** Which session holds which registered thing, according to the buckets now. */
export class LeaseView {
  readonly #of: LeaseViewOptions;

  constructor(of: LeaseViewOptions) {
    this.#of = of;
  }

  /** The session that holds a thing, which may have gone; undefined when none does. */
  holderOf(key: string): string | undefined {
    const { holders, kind } = this.#of;
    return holders.get(`${kind}.${key}`);
  }

  /** Whether a session exists. */
  isThere(session: string): boolean {
    const { leases, kind } = this.#of;
    return leases.get(sessionKey(kind, session)) !== undefined;
  }

  /** Whether a session exists and its process is not stopping. */
  takesMore(session: string): boolean {
    const { leases, kind } = this.#of;
    const value = leases.get(sessionKey(kind, session));
    return value !== undefined && !isLeaving(value);
  }

  /** The entries of all sessions except this process's own. */
  otherSessions(): { key: string; value: string; revision: number }[] {
    const { leases, session, kind } = this.#of;
    const own = session.id === undefined ? undefined : sessionKey(kind, session.id);
    return this.#sessionKeys().flatMap((key) => {
      const revision = leases.revision(key);
      return key === own || revision === undefined ? [] : [{ key, value: leases.get(key)!, revision }];
    });
  }

  /** Whether another session holds the thing. */
  isLeased(key: string): boolean {
    const holder = this.holderOf(key);
    // An entry that names this process's own session, although the session does not hold the thing, could not be released.
    return holder !== undefined && holder !== this.#of.session.id && this.isThere(holder);
  }

  /** Whether the process that held it may still announce that it lives. */
  mayReturn(key: string): boolean {
    const { session } = this.#of;
    return session.id !== undefined && !session.settled && this.holderOf(key) !== undefined;
  }

  /**
   * How many things each session holds, for sessions that can receive more; a thing that is being handed over counts for its successor.
   * Things of a process that is stopping count as free.
   */
  counts(successorOf: (key: string) => string | undefined): ReturnType<typeof countHeld> {
    const { records, leases, kind } = this.#of;
    const sessions = this.#sessionKeys().filter((key) => !isLeaving(leases.get(key)!));
    return countHeld(
      sessions.map((key) => key.slice(sessionKey(kind, "").length)),
      records.keys(),
      (key) => successorOf(key) ?? this.holderOf(key),
    );
  }

  /** Each process's share of the things in an even distribution. */
  get share(): number {
    const { records, leases, presence } = this.#of;
    const processes = leases.keys().filter((key) => key.startsWith(`${presence}.`)).length;
    return Math.ceil(records.keys().length / Math.max(1, processes));
  }

  #sessionKeys(): string[] {
    const prefix = sessionKey(this.#of.kind, "");
    return this.#of.leases.keys().filter((key) => key.startsWith(prefix));
  }
}
