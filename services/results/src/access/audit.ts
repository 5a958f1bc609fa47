import { type AuditOutcomeName, type AuditRecordJson, encodeJson, subjects } from "@sightline/contracts";
import { type Logger, type Nats, pause } from "@sightline/service";

/** The record of one action or attempt. It must not contain secrets. */
export interface AuditEntry {
  /** Name of the caller; undefined when it is not known. */
  user: string | undefined;
  action: string;
  target?: string | undefined;
  outcome: AuditOutcomeName;
  address?: string | undefined;
  detail?: string | undefined;
  /** The action may be so frequent that it is recorded only once in a while, with its count. */
  frequent?: boolean;
}

/** Most records that wait while NATS is away; beyond that the oldest are lost, which is logged. */
const mostWaiting = 10_000;
const pauseMs = 1_000;
/** Frequent or refused actions are recorded once in this time, so that nobody can flood the trail. */
const repeatMs = 60_000;
const frequentMs = 600_000;
const lookMs = 5_000;
const mostRepeats = 10_000;

interface Repeat {
  entry: AuditEntry;
  until: number;
  more: number;
}

/** Who did what, in stream AUDIT. It is written in the background: no action waits for its record. */
export class AuditTrail {
  readonly #nats: Pick<Nats, "jetstream">;
  readonly #log: Logger;
  readonly #waiting: AuditRecordJson[] = [];
  readonly #repeats = new Map<string, Repeat>();
  readonly #stopping = new AbortController();
  readonly #timer = setInterval(() => this.#tellRepeats(), lookMs);
  #writing: Promise<void> | undefined;
  #lost = 0;

  constructor(nats: Pick<Nats, "jetstream">, log: Logger) {
    this.#nats = nats;
    this.#log = log;
    this.#timer.unref();
  }

  record(entry: AuditEntry): void {
    const lasts = entry.outcome !== "ok" ? repeatMs : entry.frequent ? frequentMs : 0;
    if (lasts > 0 && this.#isRepeat(entry, lasts)) return;
    this.#add(entry);
  }

  /** Writes the waiting records if NATS accepts them, and then stops. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#tellRepeats(true);
    this.#stopping.abort();
    await this.#writing;
    if (this.#waiting.length > 0)
      this.#log.error(
        { records: this.#waiting.length },
        "NATS did not take the last records of the audit trail",
      );
  }

  #isRepeat(entry: AuditEntry, lasts: number): boolean {
    const { user, action, target, outcome, address } = entry;
    const key = JSON.stringify([user, action, target, outcome, address]);
    const before = this.#repeats.get(key);
    if (before) {
      before.more++;
      return true;
    }
    if (this.#repeats.size >= mostRepeats) this.#tellRepeats(true);
    this.#repeats.set(key, { entry, until: performance.now() + lasts, more: 0 });
    return false;
  }

  /** Forgets actions that have not been repeated for a while, and records how often each occurred. */
  #tellRepeats(all = false): void {
    const now = performance.now();
    for (const [key, { entry, until, more }] of this.#repeats) {
      if (!all && until > now) continue;
      this.#repeats.delete(key);
      if (more > 0) this.#add({ ...entry, detail: `${more} more times since` });
    }
  }

  #add({ user, action, target, outcome, address, detail }: AuditEntry): void {
    if (this.#waiting.length >= mostWaiting) {
      this.#waiting.shift();
      if (this.#lost++ === 0)
        this.#log.error("records of the audit trail are lost: NATS takes none, and too many wait");
    }
    this.#waiting.push({
      time: new Date().toISOString(),
      ...(user !== undefined && { user: user.slice(0, 300) }),
      action,
      ...(target !== undefined && { target: target.slice(0, 300) }),
      outcome,
      ...(address !== undefined && { address: address.slice(0, 64) }),
      ...(detail !== undefined && { detail: detail.slice(0, 500) }),
    });
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    for (let record = this.#waiting[0]; record; record = this.#waiting[0]) {
      try {
        await this.#nats.jetstream.publish(subjects.audit(record.action), encodeJson(record));
        if (this.#waiting[0] === record) this.#waiting.shift();
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#log.warn({ err: error }, "NATS does not take records of the audit trail; trying again");
        await pause(pauseMs, this.#stopping.signal);
      }
    }
  }
}
