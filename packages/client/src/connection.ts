import {
  type ChannelCredentials,
  type Client,
  type ClientOptions,
  InterceptingCall,
  type Interceptor,
} from "@grpc/grpc-js";
import { limits } from "@sightline/contracts";
import { type CallSettings, type UnaryMethod, unary } from "./calls.ts";
import { SightlineError } from "./errors.ts";
import { readTransport, type TlsOptions } from "./transport.ts";

const channelOptions: ClientOptions = {
  "grpc.max_receive_message_length": limits.maxPictureBytes + limits.maxGrpcMessageBytes,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // A server that was away is found again within a second.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 1_000,
};

/** HTTP/2 bounds what a connection may have in flight: a stream nobody reads would stall all others on it. */
const ownConnection: ClientOptions = { ...channelOptions, "grpc.use_local_subchannel_pool": 1 };

/** A token, or what gives the one of now. */
export type Token = string | (() => string | undefined);

/** Puts the token into the metadata of every call. */
function withToken(token: Token): Interceptor {
  return (options, next) =>
    new InterceptingCall(next(options), {
      start(metadata, listener, start) {
        const current = typeof token === "string" ? token : token();
        if (current !== undefined) metadata.set("authorization", `Bearer ${current}`);
        start(metadata, listener);
      },
    });
}

/** A generated client's constructor. */
export type ClientType<C extends Client> = new (
  address: string,
  secure: ChannelCredentials,
  options: ClientOptions,
) => C;

/** Ways to one server: one connection that calls share, and one of its own for every stream. */
export class Connection {
  readonly address: string;
  readonly #secure: ChannelCredentials;
  readonly #options: ClientOptions;
  readonly #closing = new AbortController();
  readonly #shared = new Map<ClientType<Client>, Client>();

  /** @throws RangeError the address is none, or what `tls` holds cannot be used */
  constructor(
    address: string,
    tls: TlsOptions | undefined,
    secure: ChannelCredentials | undefined,
    token: Token | undefined,
  ) {
    const transport = readTransport(address, tls);
    this.address = transport.target;
    this.#secure = secure ?? transport.credentials;
    this.#options = { ...transport.options, ...(token && { interceptors: [withToken(token)] }) };
  }

  /** Aborts when all that is going on is to end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** A client on a connection of its own; to be closed by the caller. */
  own<C extends Client>(type: ClientType<C>): C {
    return new type(this.address, this.#secure, { ...this.#options, ...ownConnection });
  }

  /** Runs a call that has one answer. @throws SightlineError, CANCELLED when aborted or closed */
  async call<C extends Client, Request, Response>(
    type: ClientType<C>,
    method: (client: C) => UnaryMethod<Request, Response>,
    request: Request,
    { signal, deadlineMs }: CallSettings & { deadlineMs?: number },
  ): Promise<Response> {
    const client = this.#client(type);
    return unary(client, method(client), request, [this.closing, signal], deadlineMs);
  }

  /** Waits until the server takes calls. @throws SightlineError UNAVAILABLE after `timeoutMs` */
  async ready<C extends Client>(type: ClientType<C>, timeoutMs: number): Promise<void> {
    const client = this.#client(type);
    await new Promise<void>((resolve, reject) =>
      client.waitForReady(new Date(Date.now() + timeoutMs), (cause) =>
        cause
          ? reject(new SightlineError("UNAVAILABLE", `no server answers at ${this.address}`, { cause }))
          : resolve(),
      ),
    );
  }

  /** Ends all that is going on. Safe to call twice. */
  close(): void {
    this.#closing.abort();
    for (const client of this.#shared.values()) client.close();
    this.#shared.clear();
  }

  #client<C extends Client>(type: ClientType<C>): C {
    if (this.closing.aborted) throw new SightlineError("CANCELLED", "this client has been closed");
    const client =
      (this.#shared.get(type) as C) ??
      new type(this.address, this.#secure, { ...this.#options, ...channelOptions });
    this.#shared.set(type, client);
    return client;
  }
}
