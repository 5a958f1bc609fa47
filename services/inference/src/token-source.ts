import type { Msg } from "@nats-io/transport-node";
import { decodeJson, type FrameToken, readyConsumer, streams, tokenSchema } from "@sightline/contracts";
import { type Logger, type Nats, PullRequests, parseAckSubject } from "@sightline/service";

/** A token that this worker holds until it is acknowledged, given back, or its ack_wait ends. */
export interface HeldToken extends FrameToken {
  /** How often the server has delivered it, including this time. */
  readonly deliveries: number;
  /** Marks the token as used. The server is told soon, with the next message that is sent. */
  ack(): void;
  /** Gives the token back, so that another worker can have it at once. */
  giveBack(): void;
}

export interface TokenSourceOptions {
  nats: Pick<Nats, "connection" | "changes">;
  model: string;
  /** Makes sure that the stream and the consumer exist and can deliver. */
  provision: () => Promise<void>;
  onToken: (token: HeldToken) => void;
  /** Called for a message on the token stream that is not a token. */
  onInvalid: (error: Error) => void;
  log: Logger;
}

/** Takes as many tokens of one model as the batcher wants. */
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
      onUnwanted: (message) => respond(message, "-NAK"),
    });
  }

  /** Tokens that were requested and not yet delivered. */
  get outstanding(): number {
    return this.#pulls.outstanding;
  }

  /** Whether tokens may be given back before `stop` has ended. If not, they could come back to the requests that it ends. */
  get returnsAnyTime(): boolean {
    return this.#pulls.keepsRequests;
  }

  /** Sets how many tokens are wanted beyond those delivered; more may come only if they have already been sent. */
  demand(tokens: number): void {
    this.#pulls.demand(tokens);
  }

  /** Ends all requests; tokens that were already sent still arrive before this resolves. */
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
  // A closed connection cannot answer; the token then comes back after ack_wait.
  if (message.reply) message.respond(verb);
}
