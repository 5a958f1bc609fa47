import type { StreamState } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { buckets, snapshotStore, streams } from "@sightline/contracts";
import {
  isJetStreamFailure,
  Lease,
  type Logger,
  type Nats,
  remakeStream,
  setAside,
  unreadableEnd,
} from "@sightline/service";
import { Counter, type Registry } from "prom-client";
import { restoreBucket } from "./damaged-bucket.ts";
import { putAside } from "./put-aside.ts";

const lookMs = 2_000;
/** Most buckets change rarely, and damage shows after a server has started: buckets are checked in its first rounds, and then in every fifth. */
const firstRounds = 3;
const roundsBetween = 5;
/** What was readable and has not changed since is read again after this time. */
const readAgainMs = 30_000;

/** Streams that are created again, in this order: what the others need comes first. */
const remade: readonly string[] = [
  streams.timeline,
  streams.events,
  streams.detections,
  streams.ready,
  streams.deadLetters,
  streams.audit,
];
/** Readable messages of these are set aside. */
const kept: ReadonlySet<string> = new Set([
  streams.timeline,
  streams.events,
  streams.deadLetters,
  streams.audit,
]);
/** These rarely get messages, so a probe message that belongs to nobody checks whether new ones can be read. */
const probes = new Map<string, string>([
  [streams.events, "events._.probe"],
  [streams.deadLetters, "dead-letters._"],
  [streams.audit, "audit._"],
]);
const leasesStream = `KV_${buckets.leases}`;
const otherBuckets = Object.values(buckets).flatMap((name) =>
  name === buckets.leases || name === buckets.modelFiles ? [] : `KV_${name}`,
);
/** Pictures and model files may be many, and most can still be read: a person decides what to do with them. */
const named = [`OBJ_${snapshotStore}`, `KV_${buckets.modelFiles}`];

/**
 * Finds streams to which NATS appends data that nobody can read: the file that it writes to is damaged, and everything it acknowledges is
 * lost, even after a restart. The readable messages of such a stream are set aside and the stream is created again, or they are restored
 * into the same stream. `Nats.watch` reports what is not repaired. A stream that is missing, because NATS or results ended between the
 * deletion and the creation, or somebody has deleted it, is created again.
 */
export class DamagedStreams {
  readonly #nats: Nats;
  readonly #leases: KV;
  readonly #anyStall: () => boolean;
  readonly #provide: () => Promise<unknown>;
  readonly #log: Logger;
  readonly #setAside: Counter<"stream">;
  /** The unreadable message at each end of a stream, by its sequence, as first seen. */
  readonly #seen = new Map<string, number>();
  /** The state of each stream when it was last readable, and when that was, by performance.now(). */
  readonly #good = new Map<string, { state: string; at: number }>();
  /** The server process of these checks, and how many rounds it has had. */
  #server: string | undefined;
  #rounds = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `anyStall`: whether the analysis of any camera makes no progress. `provide` creates the streams that are missing. */
  constructor(
    nats: Nats,
    leases: KV,
    anyStall: () => boolean,
    provide: () => Promise<unknown>,
    registry: Registry,
    log: Logger,
  ) {
    this.#anyStall = anyStall;
    this.#provide = provide;
    this.#nats = nats;
    this.#leases = leases;
    this.#log = log;
    this.#setAside = new Counter({
      name: "sightline_stream_set_aside_total",
      help: "Times that the files of a stream were damaged and this process recreated the stream.",
      labelNames: ["stream"],
      registers: [registry],
    });
  }

  start(): void {
    this.#looking = this.#look().finally(() => {
      if (!this.#stopped) this.#timer = setTimeout(() => this.start(), lookMs);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    // A server that has just started may not have read all its data: earlier results do not apply to it.
    const server = this.#nats.connection.info?.server_id;
    if (server !== this.#server) {
      this.#seen.clear();
      this.#good.clear();
      this.#rounds = 0;
    }
    this.#server = server;
    this.#rounds += 1;
    if (this.#stopped || !this.#nats.connected()) return;
    // Requested together: answers that come one by one would wake this process and NATS for each.
    const states = new Map(
      [leasesStream, ...remade, ...named].map((stream) => [stream, this.#stateOf(stream)]),
    );
    // One that fails is told when its turn comes, which may be later.
    for (const state of states.values()) state.catch(() => undefined);
    const lookAtBucket = async (stream: string) =>
      this.#lookAtBucket(stream, await (states.get(stream) ?? this.#stateOf(stream)));
    await this.#lookAt(leasesStream, () => lookAtBucket(leasesStream));
    const isTurn = this.#rounds <= firstRounds || this.#rounds % roundsBetween === 0;
    for (const stream of otherBuckets)
      if (isTurn || this.#isSuspect(stream)) await this.#lookAt(stream, () => lookAtBucket(stream));
    for (const stream of remade)
      await this.#lookAt(stream, async () => this.#lookAtStream(stream, await states.get(stream)!));
    await this.#provideMissing(remade.map((stream) => states.get(stream)!));
    for (const stream of named)
      await this.#lookAt(stream, async () => {
        const damaged = await this.#findUnreadable(stream, "last", await states.get(stream)!);
        this.#nats.watch.damaged(stream, damaged?.lasts ?? false);
      });
  }

  async #provideMissing(states: readonly Promise<StreamState>[]): Promise<void> {
    const isMissing = (result: PromiseSettledResult<StreamState>) =>
      result.status === "rejected" && isJetStreamFailure(result.reason, "streamNotFound");
    if (!(await Promise.allSettled(states)).some(isMissing) || this.#stopped) return;
    try {
      await this.#provide();
      this.#log.warn("a stream was missing and is created again, empty");
    } catch (error) {
      this.#log.warn({ err: error }, "a stream is missing and could not be created again; trying again");
    }
  }

  async #stateOf(stream: string): Promise<StreamState> {
    return (await this.#nats.manager.streams.info(stream)).state;
  }

  async #lookAt(stream: string, look: () => Promise<void>): Promise<void> {
    try {
      if (!this.#stopped && this.#nats.connected()) await look();
    } catch (error) {
      this.#log.debug({ stream, err: error }, "a stream could not be looked at");
    }
  }

  /**
   * The stream's newest message if it cannot be read. `lasts`: it could not be read in the previous check either; `grows`: that was another
   * message.
   */
  async #findUnreadable(
    stream: string,
    where: "first" | "last",
    streamState: StreamState,
  ): Promise<{ end: number; lasts: boolean; grows: boolean } | undefined> {
    const { first_seq, last_seq, messages } = streamState;
    const key = `${stream} ${where}`;
    const state = `${first_seq} ${last_seq} ${messages}`;
    const good = this.#good.get(key);
    if (good?.state === state && performance.now() - good.at < readAgainMs) return undefined;
    const end = await unreadableEnd(this.#nats.manager, stream, where, streamState);
    if (end === undefined) this.#good.set(key, { state, at: performance.now() });
    else this.#good.delete(key);
    const before = this.#seen.get(key);
    if (end === undefined) this.#seen.delete(key);
    else if (before === undefined) this.#seen.set(key, end);
    return end === undefined
      ? undefined
      : { end, lasts: before !== undefined, grows: before !== undefined && end > before };
  }

  /** Whether one of its ends could not be read in the last check. */
  #isSuspect(stream: string): boolean {
    return this.#seen.has(`${stream} last`) || this.#seen.has(`${stream} first`);
  }

  /**
   * The damage is permanent when a newer message cannot be read either. Where there is no probe, it also is when the analysis makes no
   * progress, because it has found the same.
   */
  async #lookAtStream(stream: string, state: StreamState): Promise<void> {
    const found = await this.#findUnreadable(stream, "last", state);
    // The holder of a token may remove it at any time: only newer unreadable ones prove damage.
    const told = found?.lasts && (found.grows || stream !== streams.ready);
    this.#nats.watch.damaged(stream, told ?? false);
    if (!found?.lasts) return;
    if (found.grows || (stream === streams.timeline && this.#anyStall())) await this.#repair(stream);
    else await this.#probe(stream);
  }

  async #probe(stream: string): Promise<void> {
    const subject = probes.get(stream);
    if (subject === undefined) return;
    const { seq } = await this.#nats.jetstream.publish(subject, new Uint8Array());
    if (await this.#nats.manager.streams.getMessage(stream, { seq }))
      await this.#nats.manager.streams.deleteMessage(stream, seq);
  }

  /** The leases are repaired without holding a lease; a second process that does the same does no harm. */
  async #lookAtBucket(stream: string, state: StreamState): Promise<void> {
    const [last, first] = [
      await this.#findUnreadable(stream, "last", state),
      await this.#findUnreadable(stream, "first", state),
    ];
    const damaged = (last?.lasts || first?.lasts) ?? false;
    this.#nats.watch.damaged(stream, damaged);
    if (!damaged) return;
    const restore = async () => {
      const { manager } = this.#nats;
      const still =
        (await unreadableEnd(manager, stream, "last")) ?? (await unreadableEnd(manager, stream, "first"));
      if (still === undefined || (await this.#isReplicated(stream))) return;
      const lost = await restoreBucket(this.#nats, stream);
      this.#setAside.inc({ stream });
      this.#log.error(
        { stream, lost },
        `the files of ${stream} were damaged: NATS could not read what it stored there. What could be read is put back. See what is missing (a camera, its rules, a subscription), and make it again; look at the disk of NATS`,
      );
    };
    if (stream === leasesStream) await restore();
    else await this.#alone(stream, restore);
  }

  async #repair(stream: string): Promise<void> {
    const { manager } = this.#nats;
    await this.#alone(stream, async () => {
      const end = await unreadableEnd(manager, stream);
      if (end === undefined || (await this.#isReplicated(stream))) return;
      const copied = kept.has(stream) ? await putAside(this.#nats, stream, end, this.#log) : 0;
      await remakeStream(manager, stream);
      this.#setAside.inc({ stream });
      this.#log.error(
        { stream, lost: end, copied, ...(copied > 0 && { in: setAside.name }) },
        `the files of stream ${stream} were damaged: NATS could not read what it stored there. The stream is made anew and goes on with a gap; look at the disk of NATS`,
      );
    });
  }

  /** One process at a time; the next one finds the stream repaired. */
  async #alone(stream: string, task: () => Promise<void>): Promise<void> {
    const lease = await Lease.acquire(this.#leases, `repair.${stream}`, "results", this.#log);
    if (!lease) return;
    try {
      await task();
    } finally {
      await lease.release();
    }
  }

  /** Another server may have an undamaged copy. */
  async #isReplicated(stream: string): Promise<boolean> {
    const { config } = await this.#nats.manager.streams.info(stream);
    if (config.num_replicas <= 1) return false;
    this.#log.error(
      { stream },
      `NATS cannot read what it stores of stream ${stream}: the files of the server that leads it are damaged. Make another lead it: nats stream cluster step-down ${stream}`,
    );
    return true;
  }
}
