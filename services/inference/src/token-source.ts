import type { Msg } from "@nats-io/transport-node";
import { decodeJson, type FrameToken, readyConsumer, streams, tokenSchema } from "@sightline/contracts";
import { type Logger, type Nats, PullRequests, parseAckSubject } from "@sightline/service";

/** A token that this worker holds until it is acknowledged, given back, or its ack_wait ends. */
export interface HeldToken extends FrameToken {
  /** How often the server has delivered it, this time included. */
  readonly deliveries: number;
  /** The token is used up. Told with what is sent next, soon. */
  ack(): void;
  /** Gives the token back for another worker to have at once. */
  giveBack(): void;
}

export interface TokenSourceOptions {
  nats: Pick<Nats, "connection" | "changes">;
  model: string;
  /** Makes sure that the stream and consumer are there and can deliver. */
  provision: () => Promise<void>;
  onToken: (token: HeldToken) => void;
  /** A message on the token stream that is no token. */
  onInvalid: (error: Error) => void;
  log: Logger;
}

/** Takes the tokens of one model, as many as the batcher wants. */
export class TokenSource {
  readonly #options: TokenSourceOptions;
  readonly #pulls: PullRequests;

  constructor(options: TokenSourceOptions) {
    this.#options = options;
    this.#pulls = new PullRequests({
      ...options,
      stream: streams.ready,
      consumer: readyConsumer(options.model).durable_name,
      onMessage: (message) => this.#receive(message),
    });
  }

  /** Tokens asked for and not yet delivered. */
  get outstanding(): number {
    return this.#pulls.outstanding;
  }

  /** Sets how many tokens are wanted beyond those delivered; more than that may come only if they are on their way. */
  demand(tokens: number): void {
    this.#pulls.demand(tokens);
  }

  /** Ends all requests; tokens that are on their way still arrive before this resolves. */
  async stop(): Promise<void> {
    await this.#pulls.stop();
  }

  #receive(message: Msg): boolean {
    let token: FrameToken;
    try {
      token = decodeJson(tokenSchema, message.data);
    } catch (cause) {
      message.respond("+TERM");
      this.#options.onInvalid(cause as Error);
      return false;
    }
    this.#options.onToken({
      ...token,
      deliveries: parseAckSubject(message.reply)?.deliveries ?? 1,
      ack: () => this.#pulls.later(() => respond(message, "+ACK")),
      giveBack: () => respond(message, "-NAK"),
    });
    return true;
  }
}

function respond(message: Msg, verb: string): void {
  // A closed connection cannot answer; the token then comes back by ack_wait.
  if (message.reply) message.respond(verb);
}
