import {
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  NoRespondersError,
  TimeoutError,
} from "@nats-io/transport-node";
import type { ConnectionChanges } from "./connection-changes.ts";
import { newInbox } from "./nats-access.ts";

/** Receives the answer, or the error: NoRespondersError when nobody subscribes to the subject, TimeoutError when nobody answers. */
export type Answered = (error: Error | undefined, answer: Msg | undefined) => void;

interface Open {
  subject: string;
  /** Monotonic milliseconds. */
  deadline: number;
  done: Answered;
}

/** Timeouts are noticed with at most this delay. */
const lookMs = 50;
/** After a lost connection, answers to earlier requests are awaited for this long: most were lost with it. */
const lostMs = 250;

/**
 * Sends hundreds of requests per second: one subscription for all answers, one timer for all timeouts. The client's own `request` creates
 * promises, timers and an error with its stack for each, which takes a tenth of a millisecond of CPU.
 */
export class Requests {
  readonly #connection: NatsConnection;
  readonly #inbox: string;
  readonly #open = new Map<string, Open>();
  #subscribed = false;
  #timer: NodeJS.Timeout | undefined;
  #next = 0;

  constructor(connection: NatsConnection, changes?: Pick<ConnectionChanges, "listen">) {
    this.#connection = connection;
    this.#inbox = newInbox(connection);
    changes?.listen({ lost: () => this.#waitLess() });
  }

  /** Sends a request. `done` is called once, never before this returns. */
  send(
    subject: string,
    data: Uint8Array,
    { headers, timeoutMs }: { headers?: MsgHdrs | undefined; timeoutMs: number },
    done: Answered,
  ): void {
    const key = String(++this.#next);
    try {
      this.#subscribe();
      const reply = `${this.#inbox}.${key}`;
      this.#connection.publish(subject, data, headers ? { reply, headers } : { reply });
    } catch (error) {
      queueMicrotask(() => done(error as Error, undefined));
      return;
    }
    this.#open.set(key, { subject, deadline: performance.now() + timeoutMs, done });
    this.#timer ??= setInterval(() => this.#expire(), lookMs).unref();
  }

  #subscribe(): void {
    if (this.#subscribed) return;
    this.#connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (!error) this.#answered(message);
      },
    });
    this.#subscribed = true;
  }

  #answered(message: Msg): void {
    const key = message.subject.slice(this.#inbox.length + 1);
    const open = this.#open.get(key);
    if (!open) return;
    this.#close(key);
    if (message.data.byteLength === 0 && message.headers?.code === 503)
      open.done(new NoRespondersError(open.subject), undefined);
    else open.done(undefined, message);
  }

  #waitLess(): void {
    const soon = performance.now() + lostMs;
    for (const open of this.#open.values()) open.deadline = Math.min(open.deadline, soon);
  }

  #expire(): void {
    const now = performance.now();
    for (const [key, open] of this.#open) {
      if (open.deadline > now) continue;
      this.#close(key);
      open.done(new TimeoutError(), undefined);
    }
  }

  #close(key: string): void {
    this.#open.delete(key);
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
