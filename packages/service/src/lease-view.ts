import { countHeld } from "./even-share.ts";
import type { KvMirror } from "./kv-mirror.ts";
import { isLeaving, type LeaseSession, sessionKey } from "./lease-session.ts";

export interface LeaseViewOptions {
  /** What is registered: each key of it is one thing to be held. */
  records: Pick<KvMirror<unknown>, "keys">;
  /** This process's session. */
  session: LeaseSession;
  /** Content of the bucket of holders: key of a thing → session that has it. */
  holders: KvMirror<string>;
  /** Content of the bucket of leases: the sessions that live, and the presence of each process. */
  leases: KvMirror<string>;
  /** First part of the things' keys; the second is the record's key. */
  kind: string;
  /** First part of the keys under which the processes that share the work show that they are there. */
  presence: string;
}

/** Key, in the bucket of leases, under which a process shows that it is there. */
export function presenceKey(presence: string, holder: string): string {
  return `${presence}.${holder.replaceAll(".", "-")}`;
}

/** Who has which of the registered things, as the buckets say it now. */
export class LeaseView {
  readonly #of: LeaseViewOptions;

  constructor(of: LeaseViewOptions) {
    this.#of = of;
  }

  /** The session that has a thing, which may be gone; undefined when none has. */
  holderOf(key: string): string | undefined {
    const { holders, kind } = this.#of;
    return holders.get(`${kind}.${key}`);
  }

  /** Whether a session is there. */
  isThere(session: string): boolean {
    const { leases, kind } = this.#of;
    return leases.get(sessionKey(kind, session)) !== undefined;
  }

  /** Whether a session is there, and its process does not stop. */
  takesMore(session: string): boolean {
    const { leases, kind } = this.#of;
    const value = leases.get(sessionKey(kind, session));
    return value !== undefined && !isLeaving(value);
  }

  /** Whether another has the thing. */
  isLeased(key: string): boolean {
    const holder = this.holderOf(key);
    // One that names this process's own session, which does not have it, could not be given back.
    return holder !== undefined && holder !== this.#of.session.id && this.isThere(holder);
  }

  /** Whether a process that had it may yet say that it lives. */
  mayReturn(key: string): boolean {
    const { session } = this.#of;
    return session.id !== undefined && !session.settled && this.holderOf(key) !== undefined;
  }

  /**
   * Things that each session has that others may give something to; one that is being handed over is its successor's. Those of a process that stops
   * count as free.
   */
  counts(successorOf: (key: string) => string | undefined): ReturnType<typeof countHeld> {
    const { records, leases, kind } = this.#of;
    const prefix = sessionKey(kind, "");
    const sessions = leases.keys().filter((key) => key.startsWith(prefix) && !isLeaving(leases.get(key)!));
    return countHeld(
      sessions.map((key) => key.slice(prefix.length)),
      records.keys(),
      (key) => successorOf(key) ?? this.holderOf(key),
    );
  }

  /** Of how many things each process has enough, were all dealt out evenly. */
  get share(): number {
    const { records, leases, presence } = this.#of;
    const processes = leases.keys().filter((key) => key.startsWith(`${presence}.`)).length;
    return Math.ceil(records.keys().length / Math.max(1, processes));
  }
}
