import type { Msg, Subscription } from "@nats-io/transport-node";
import type { Logger } from "./log.ts";
import type { Nats } from "./nats.ts";
import { isClustered, newInbox } from "./nats-access.ts";

export interface PullOptions {
  nats: Pick<Nats, "connection" | "changes">;
  stream: string;
  /** Durable name of the consumer. */
  consumer: string;
  /**
   * Makes sure that the stream and the consumer exist and can deliver. Called before a pull that follows an unanswered one or NATS's
   * return, and when nothing has arrived for a while.
   */
  provision: () => Promise<void>;
  /** Takes a message, which is answered through its reply subject; false when another should replace it. */
  onMessage: (message: Msg) => boolean;
  /**
   * Returns a message at once that is not wanted any more. With it, no request is cancelled in a cluster; it is for messages of which there are
   * many, and that may be delivered any number of times.
   */
  onUnwanted?: (message: Msg) => void;
  log: Logger;
}

interface PullRequest {
  subscription: Subscription;
  remaining: number;
  timer: NodeJS.Timeout;
  /** Fulfilled when nothing more comes for it. */
  ended: PromiseWithResolvers<void>;
}

/**
 * Lifetime of a pull request at the server, in milliseconds. It is short because a request whose leader dies is never answered, and
 * messages for a frozen process are delivered in vain.
 */
const pullExpiresMs = 2_000;
/** The same in a cluster, where a request that is not wanted any more stays until then. */
const clusterExpiresMs = 500;
/** If the server is silent for this long after the lifetime, the request counts as lost. */
const pullGraceMs = 1_000;
const retryDelayMs = 250;
/** If nothing arrives for this long, the consumer is checked: it may be unable to deliver. */
const quietMs = 3_000;
const forgetMs = 1_000;
/** What is not urgent is sent with the next pull request, or after this time at the latest. */
const laterMs = 20;

/**
 * Takes messages from a durable consumer with raw pull requests (ADR-13), so that demand is exactly what this process wants. Each request
 * has its own inbox: when the subscription ends, the server drops the request, so demand can neither leak nor double. The subscription is
 * drained, not ended, so that a message sent during the cancellation still arrives.
 *
 * In a cluster this is not enough. The consumer's leader may be another server than the one that this process is connected to, and a message
 * that is on its way between the two when the subscription ends is lost until the consumer's ack_wait. So there, with `onUnwanted`, a request is
 * never cancelled: it lives for a shorter time, and what it brings and nobody wants is returned.
 *
 * A write to the connection costs more than everything else that is done for a message here, because it wakes the server. So writes that
 * can wait are sent with the next pull request.
 */
export class PullRequests {
  readonly #options: PullOptions;
  readonly #requests = new Set<PullRequest>();
  readonly #subject: string;
  readonly #unfollow: () => void;
  #wanted = 0;
  #usable = true;
  /** Counts how often the connection was lost or came back. */
  #connections = 0;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;
  /** When a message last arrived, or the consumer was last checked. */
  #heardAt = performance.now();
  #looking = false;
  readonly #later: (() => void)[] = [];
  #laterTimer: NodeJS.Timeout | undefined;

  constructor(options: PullOptions) {
    this.#options = options;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`;
    this.#unfollow = options.nats.changes.listen({
      lost: () => this.#endAll(),
      back: () => {
        this.#endAll();
        // A killed server may have lost the consumer, or the messages up to the consumer's position.
        void this.#provision();
      },
    });
  }

  /** Messages requested and not yet delivered. */
  get outstanding(): number {
    let sum = 0;
    for (const request of this.#requests) sum += request.remaining;
    return sum;
  }

  /** Sets how many more messages are wanted; more can arrive only if they are already on their way. */
  demand(messages: number): void {
    this.#wanted = messages;
    this.#balance();
  }

  /** Sends something that is not urgent, such as an acknowledgement, with the next pull request or within 20 ms. After stop(), at once. */
  later(send: () => void): void {
    this.#later.push(send);
    if (this.#stopped) this.#sendLater();
    else this.#laterTimer ??= setTimeout(() => this.#sendLater(), laterMs);
  }

  /**
   * Ends all requests, those that are not cancelled by waiting for up to half a second; messages that are on their way still arrive before this resolves. Messages should be returned only after that:
   * otherwise the server would deliver them to these requests again or, in nats-server 2.9, lose them until their deadline.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unfollow();
    this.#wanted = 0;
    clearTimeout(this.#retry);
    this.#sendLater();
    await Promise.all(
      [...this.#requests].map((request) =>
        this.keepsRequests ? request.ended.promise : this.#cancel(request),
      ),
    );
    const { nats, stream, consumer } = this.#options;
    const { connection } = nats;
    if (connection.isClosed()) return;
    // Makes the server forget the ended requests.
    await connection
      .request(`$JS.API.CONSUMER.INFO.${stream}.${consumer}`, "", { timeout: forgetMs })
      .catch(() => undefined);
  }

  /** Whether requests stay until they end at the server, and return what is not wanted: what is given back may come to them, and is returned again. */
  get keepsRequests(): boolean {
    return this.#options.onUnwanted !== undefined && isClustered(this.#options.nats.connection);
  }

  #balance(): void {
    if (this.#stopped || !this.#usable) return;
    if (this.outstanding > this.#wanted && !this.keepsRequests)
      for (const request of this.#requests) void this.#cancel(request);
    const missing = this.#wanted - this.outstanding;
    if (missing > 0) this.#pull(missing);
  }

  #pull(batch: number): void {
    const { connection } = this.#options.nats;
    const inbox = newInbox(connection);
    const expiresMs = this.keepsRequests ? clusterExpiresMs : pullExpiresMs;
    const request: PullRequest = {
      remaining: batch,
      subscription: connection.subscribe(inbox, {
        callback: (error, message) => this.#receive(request, error, message),
      }),
      timer: setTimeout(() => {
        void this.#cancel(request);
        this.#pause("no answer to a pull request");
      }, expiresMs + pullGraceMs),
      ended: Promise.withResolvers(),
    };
    this.#requests.add(request);
    connection.publish(this.#subject, JSON.stringify({ batch, expires: expiresMs * 1_000_000 }), {
      reply: inbox,
    });
    this.#sendLater();
  }

  #sendLater(): void {
    clearTimeout(this.#laterTimer);
    this.#laterTimer = undefined;
    const sends = this.#later.splice(0);
    // A closed connection sends nothing any more.
    if (!this.#options.nats.connection.isClosed()) for (const send of sends) send();
  }

  #receive(request: PullRequest, error: Error | null, message: Msg): void {
    const status = message.headers?.code ?? 0;
    if (error || status > 0) {
      this.#end(request);
      request.subscription.unsubscribe();
      // 404 and 408 are the normal ends of a pull request. Others (409: consumer deleted, server shutdown, leader change, too many waiting;
      // 503: no JetStream) need a short pause, and perhaps a new consumer.
      if (status === 404 || status === 408) {
        this.#balance();
        void this.#lookWhenQuiet();
      } else if (status !== 100)
        this.#pause(error?.message ?? `status ${status} ${message.headers?.description}`);
      return;
    }
    this.#heardAt = performance.now();
    const giveBack = this.#wanted === 0 && this.keepsRequests ? this.#options.onUnwanted : undefined;
    if (this.#requests.has(request)) {
      this.#wanted = Math.max(0, this.#wanted - 1);
      if (--request.remaining === 0) {
        this.#end(request);
        // It has ended at the server too.
        this.later(() => request.subscription.unsubscribe());
      }
    }
    if (giveBack) giveBack(message);
    else if (!this.#options.onMessage(message)) {
      this.#wanted++;
      this.#balance();
    }
  }

  #end(request: PullRequest): void {
    clearTimeout(request.timer);
    request.ended.resolve();
    this.#requests.delete(request);
  }

  async #cancel(request: PullRequest): Promise<void> {
    this.#end(request);
    if (!request.subscription.isClosed()) await request.subscription.drain().catch(() => undefined);
  }

  /** Pauses requests for a moment, then makes sure that the consumer exists, and continues. */
  #pause(why: string): void {
    if (this.#stopped || !this.#usable) return;
    this.#usable = false;
    const { consumer, log } = this.#options;
    log.debug({ consumer, why }, "messages cannot be fetched; trying again");
    this.#retry = setTimeout(() => void this.#provision(), retryDelayMs);
  }

  async #provision(): Promise<void> {
    const { consumer, log, provision } = this.#options;
    const connection = this.#connections;
    try {
      await provision();
    } catch (error) {
      if (connection !== this.#connections) return;
      log.warn({ consumer, err: error }, "the consumer does not exist yet");
      this.#usable = true;
      this.#pause("no consumer");
      return;
    }
    if (connection !== this.#connections) return;
    this.#heardAt = performance.now();
    this.#usable = true;
    this.#balance();
  }

  async #lookWhenQuiet(): Promise<void> {
    const now = performance.now();
    if (this.#stopped || this.#looking || now - this.#heardAt < quietMs) return;
    this.#looking = true;
    const { consumer, log, provision } = this.#options;
    await provision().catch((error: Error) =>
      log.debug({ consumer, err: error }, "the consumer could not be checked yet"),
    );
    this.#looking = false;
    this.#heardAt = now;
  }

  /** The server forgets pull requests when their connection ends: they end here too, and are created again. */
  #endAll(): void {
    for (const request of this.#requests) {
      this.#end(request);
      request.subscription.unsubscribe();
    }
    clearTimeout(this.#retry);
    this.#connections++;
    this.#usable = false;
  }
}
