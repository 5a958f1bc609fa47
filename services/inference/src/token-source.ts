import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { decodeJson, readyConsumer, streams, type Token, tokenSchema } from "@sightline/contracts";
import type { Logger } from "@sightline/service";

/** A token that this worker holds until it is acknowledged, given back, or its ack_wait ends. */
export interface HeldToken extends Token {
  /** How often the server has delivered it, this time included. */
  readonly deliveries: number;
  /** The token is used up. */
  ack(): void;
  /** Gives the token back for another worker to have at once. */
  giveBack(): void;
}

export interface TokenSourceOptions {
  connection: NatsConnection;
  model: string;
  /** Creates the stream and consumer if they are missing; called before a pull that follows an unanswered one. */
  provision: () => Promise<void>;
  onToken: (token: HeldToken) => void;
  /** A message on the token stream that is no token. */
  onInvalid: (error: Error) => void;
  log: Logger;
}

interface PullRequest {
  subscription: Subscription;
  remaining: number;
  timer: NodeJS.Timeout;
}

/** How long a pull request stands at the server, in milliseconds. */
const pullExpiresMs = 5_000;
/** Without a word from the server this long after that, the request is taken for lost. */
const pullGraceMs = 1_000;
const retryDelayMs = 250;

/**
 * Takes tokens from the consumer of one model by raw pull requests (ADR-13), so that demand is exactly what the batcher
 * wants. Each request has an inbox of its own: when the subscription ends the server drops the request, so demand can
 * neither leak nor double. Draining, not ending, a subscription keeps a token that crosses the cancellation.
 */
export class TokenSource {
  readonly #options: TokenSourceOptions;
  readonly #requests = new Set<PullRequest>();
  readonly #subject: string;
  #wanted = 0;
  #usable: boolean;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: TokenSourceOptions) {
    this.#options = options;
    const { durable_name } = readyConsumer(options.model);
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${streams.ready}.${durable_name}`;
    this.#usable = true;
    void this.#followConnection();
  }

  /** Tokens asked for and not yet delivered. */
  get outstanding(): number {
    let sum = 0;
    for (const request of this.#requests) sum += request.remaining;
    return sum;
  }

  /** Sets how many tokens are wanted beyond those delivered; more than that may come only if they are on their way. */
  demand(tokens: number): void {
    this.#wanted = tokens;
    this.#balance();
  }

  /** Ends all requests; tokens that are on their way still arrive before this resolves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wanted = 0;
    clearTimeout(this.#retry);
    await Promise.all([...this.#requests].map((request) => this.#cancel(request)));
  }

  #balance(): void {
    if (this.#stopped || !this.#usable) return;
    if (this.outstanding > this.#wanted) for (const request of this.#requests) void this.#cancel(request);
    const missing = this.#wanted - this.outstanding;
    if (missing > 0) this.#pull(missing);
  }

  #pull(batch: number): void {
    const { connection } = this.#options;
    const inbox = createInbox();
    const request: PullRequest = {
      remaining: batch,
      subscription: connection.subscribe(inbox, {
        callback: (error, message) => this.#receive(request, error, message),
      }),
      timer: setTimeout(() => {
        void this.#cancel(request);
        this.#pause("no answer to a pull request");
      }, pullExpiresMs + pullGraceMs),
    };
    this.#requests.add(request);
    connection.publish(this.#subject, JSON.stringify({ batch, expires: pullExpiresMs * 1_000_000 }), {
      reply: inbox,
    });
  }

  #receive(request: PullRequest, error: Error | null, message: Msg): void {
    const status = message.headers?.code ?? 0;
    if (error || status > 0) {
      this.#end(request);
      request.subscription.unsubscribe();
      // 404 and 408 are the ordinary ends of a pull request. Others (409: consumer deleted, server shutdown, leader
      // change, too many waiting; 503: no JetStream) need a moment, and perhaps the consumer anew.
      if (status === 404 || status === 408) this.#balance();
      else if (status !== 100)
        this.#pause(error?.message ?? `status ${status} ${message.headers?.description}`);
      return;
    }
    if (this.#requests.has(request)) {
      this.#wanted = Math.max(0, this.#wanted - 1);
      if (--request.remaining === 0) {
        this.#end(request);
        request.subscription.unsubscribe();
      }
    }
    let token: Token;
    try {
      token = decodeJson(tokenSchema, message.data);
    } catch (cause) {
      message.respond("+TERM");
      this.#options.onInvalid(cause as Error);
      this.#wanted++;
      this.#balance();
      return;
    }
    this.#options.onToken({
      ...token,
      deliveries: deliveriesOf(message.reply),
      ack: () => respond(message, "+ACK"),
      giveBack: () => respond(message, "-NAK"),
    });
  }

  #end(request: PullRequest): void {
    clearTimeout(request.timer);
    this.#requests.delete(request);
  }

  async #cancel(request: PullRequest): Promise<void> {
    this.#end(request);
    if (!request.subscription.isClosed()) await request.subscription.drain().catch(() => undefined);
  }

  /** Asks for nothing for a moment, then makes sure that the consumer is there, and goes on. */
  #pause(why: string): void {
    if (this.#stopped || !this.#usable) return;
    this.#usable = false;
    this.#options.log.debug({ why }, "tokens cannot be had; trying again");
    this.#retry = setTimeout(async () => {
      try {
        await this.#options.provision();
      } catch (error) {
        this.#options.log.warn({ error: (error as Error).message }, "token consumer is not there yet");
        this.#usable = true;
        this.#pause("no consumer");
        return;
      }
      this.#usable = true;
      this.#balance();
    }, retryDelayMs);
  }

  /** The server forgets pull requests of a connection that ends: they end here too, and are made anew. */
  async #followConnection(): Promise<void> {
    for await (const status of this.#options.connection.status()) {
      if (this.#stopped) return;
      if (status.type !== "disconnect" && status.type !== "reconnect") continue;
      for (const request of this.#requests) {
        this.#end(request);
        request.subscription.unsubscribe();
      }
      clearTimeout(this.#retry);
      this.#usable = status.type === "reconnect";
      this.#balance();
    }
  }
}

function respond(message: Msg, verb: string): void {
  // A closed connection cannot answer; the token then comes back by ack_wait.
  if (message.reply) message.respond(verb);
}

/** Delivery count in an ack subject: $JS.ACK.[domain.account.]stream.consumer.DELIVERIES.sseq.cseq.time.pending[.random] */
function deliveriesOf(ackSubject: string | undefined): number {
  const parts = ackSubject?.split(".") ?? [];
  return Number(parts.length > 9 ? parts[6] : parts[4]) || 1;
}
