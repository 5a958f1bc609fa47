import { JetStreamApiError, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream";
import { ClosedConnectionError } from "@nats-io/transport-node";
import { streams } from "@sightline/contracts";
import { isJetStreamFailure } from "./jetstream-errors.ts";

/** What does not work in a stream, and why. */
export interface StreamFault {
  stream: string;
  /** takes: messages are not stored; gives: its state cannot be read; keeps: what it holds cannot be read. */
  lacks: "takes" | "gives" | "keeps";
  /** JetStream's error message, or that it gave no answer. */
  reason: string;
  /** JetStream's error code; undefined when there was no answer. */
  code: number | undefined;
  /** When the fault began, milliseconds since 1970. */
  since: number;
}

interface Failing {
  fault: StreamFault;
  /** Monotonic milliseconds. */
  firstAt: number;
  lastAt: number;
}

/** No answer is a fault only when it lasts: every restart of the server loses an answer. */
const silenceMs = 3_000;
/** A failure that has not been repeated for this long says nothing about the present. */
const forgottenMs = 30_000;
const lookMs = 2_000;

/** Knows whether JetStream stores what this process publishes, and reports the state of the streams that the process uses. */
export class JetStreamWatch {
  readonly #takes = new Map<string, Failing>();
  readonly #gives = new Map<string, Failing>();
  readonly #keeps = new Map<string, StreamFault>();
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #away = false;
  #stopped = false;

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The present faults, the oldest first. */
  faults(): StreamFault[] {
    const now = this.#now();
    const failing = [...this.#takes.values(), ...this.#gives.values()].filter(
      ({ fault, firstAt, lastAt }) => {
        if (now - lastAt > forgottenMs) return false;
        return fault.code !== undefined || lastAt - firstAt >= silenceMs;
      },
    );
    return [...failing.map(({ fault }) => fault), ...this.#keeps.values()].toSorted(
      (a, b) => a.since - b.since,
    );
  }

  /** One line about the present faults; undefined when there are none. */
  reason(): string | undefined {
    const faults = this.faults();
    const [first] = faults;
    if (!first) return undefined;
    const others = new Set(faults.map(({ stream }) => stream));
    others.delete(first.stream);
    return others.size > 0 ? `${faultText(first)}; also ${[...others].join(", ")}` : faultText(first);
  }

  /** The server has gone, or is back: that it did not answer meanwhile is not a fault of a stream. */
  away(isAway: boolean): void {
    this.#away = isAway;
    for (const failing of [this.#takes, this.#gives])
      for (const [stream, { fault }] of failing) if (fault.code === undefined) failing.delete(stream);
  }

  /** Reports whether a stream holds data that cannot be read. */
  damaged(stream: string, isDamaged: boolean): void {
    if (!isDamaged) this.#keeps.delete(stream);
    else if (!this.#keeps.has(stream))
      this.#keeps.set(stream, {
        stream,
        lacks: "keeps",
        reason: "its files are damaged",
        code: undefined,
        since: Date.now(),
      });
  }

  /** Follows the result of everything that this client publishes. */
  follow(client: JetStreamClient): JetStreamClient {
    const publish = client.publish.bind(client);
    client.publish = async (subject, payload, options) => {
      try {
        const ack = await publish(subject, payload, options);
        this.stored(ack.stream);
        return ack;
      } catch (error) {
        this.refused(subject, error);
        throw error;
      }
    };
    return client;
  }

  /** A stream has stored a message. */
  stored(stream: string): void {
    this.#takes.delete(stream);
  }

  /** A message to this subject was not stored. */
  refused(subject: string, error: unknown): void {
    const stream = streamOf(subject);
    // When another client wrote first, the stream does store messages; a closed connection says nothing about the stream.
    const tells = !isJetStreamFailure(error, "wrongLastSequence");
    if (stream && tells && !(error instanceof ClosedConnectionError))
      this.#note(this.#takes, "takes", stream, error);
  }

  /** Requests the state of these streams regularly; a stream that does not exist is not a fault. */
  look(manager: JetStreamManager, names: readonly string[], connected: () => boolean): void {
    const round = async () => {
      // Together: answers that come one after the other would wake this process and NATS for each.
      if (connected()) await Promise.all(names.map((stream) => this.#lookAt(manager, stream)));
      if (!this.#stopped) this.#timer = setTimeout(() => void round(), lookMs);
    };
    void round();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #lookAt(manager: JetStreamManager, stream: string): Promise<void> {
    try {
      await manager.streams.info(stream);
      this.#gives.delete(stream);
    } catch (error) {
      if (isJetStreamFailure(error, "streamNotFound")) this.#gives.delete(stream);
      else this.#note(this.#gives, "gives", stream, error);
    }
  }

  #note(failing: Map<string, Failing>, lacks: StreamFault["lacks"], stream: string, error: unknown): void {
    const code = error instanceof JetStreamApiError ? error.code : undefined;
    if (code === undefined && this.#away) return;
    const now = this.#now();
    const known = failing.get(stream);
    const lasting = known && now - known.lastAt <= forgottenMs ? known : undefined;
    const reason = code === undefined ? "JetStream gives no answer" : (error as Error).message;
    const since = lasting?.fault.since ?? Date.now();
    failing.set(stream, {
      fault: { stream, lacks, reason, code, since },
      firstAt: lasting?.firstAt ?? now,
      lastAt: now,
    });
  }
}

/** `the stream TIMELINE takes no messages: JetStream gives no answer`. */
export function faultText({ stream, lacks, reason, code }: StreamFault): string {
  const what = { takes: "takes no messages", gives: "cannot be read", keeps: "holds what cannot be read" }[
    lacks
  ];
  return `the stream ${stream} ${what}: ${reason}${code === undefined ? "" : ` (code ${code})`}`;
}

const streamsBySubject: Record<string, string> = {
  ready: streams.ready,
  detections: streams.detections,
  timeline: streams.timeline,
  events: streams.events,
  "dead-letters": streams.deadLetters,
  redeliveries: streams.deadLetters,
  audit: streams.audit,
};

/** The stream of a subject; undefined for pictures, because their store makes room when it is full. */
function streamOf(subject: string): string | undefined {
  const [first = "", second = ""] = subject.split(".");
  return first === "$KV" ? `KV_${second}` : streamsBySubject[first];
}
