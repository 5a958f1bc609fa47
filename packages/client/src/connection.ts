import { readFileSync } from "node:fs";
import {
  type ChannelCredentials,
  type Client,
  type ClientOptions,
  type ClientReadableStream,
  InterceptingCall,
  type Interceptor,
} from "@grpc/grpc-js";
import { limits } from "@sightline/contracts";
import { type CallSettings, type StreamSettings, stream, type UnaryMethod, unary } from "./calls.ts";
import { SightlineError } from "./errors.ts";
import { readTransport, type TlsOptions, type Transport } from "./transport.ts";

const channelOptions: ClientOptions = {
  "grpc.max_receive_message_length": limits.maxPictureBytes + limits.maxGrpcMessageBytes,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // A server that was away is found again within a second.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 1_000,
};

/** HTTP/2 limits the data in flight on a connection: a stream that nobody reads would block all others on it. */
const ownConnection: ClientOptions = { ...channelOptions, "grpc.use_local_subchannel_pool": 1 };

/** If there is another server, a server that hangs is left after 2.5 s. */
const watchedConnection: ClientOptions = {
  "grpc.keepalive_time_ms": 1_000,
  "grpc.keepalive_timeout_ms": 1_500,
};

/** If there is another server, a server that does not accept a connection is left after this time. */
const connectMs = 2_500;

/** A token, or a function that returns the current one. */
export type Token = string | (() => string | undefined);

/** Adds the token to the metadata of every call. */
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

/**
 * Connections to a server: one shared by all calls, and a separate one for every stream. If there are several servers, one is used until it is no
 * longer reachable, then the next.
 */
export class Connection {
  readonly #transports: readonly Transport[];
  readonly #secure: ChannelCredentials | undefined;
  readonly #options: ClientOptions;
  readonly #closing = new AbortController();
  /** By address. */
  readonly #shared = new Map<string, Map<ClientType<Client>, Client>>();
  #current = 0;

  /** `addresses`: one, or several separated by commas. @throws RangeError when one is invalid, or the contents of `tls` cannot be used */
  constructor(
    addresses: string,
    tls: TlsOptions | undefined,
    secure: ChannelCredentials | undefined,
    token: Token | undefined,
  ) {
    const each = addresses.split(",").map((address) => address.trim());
    const isHttps = each.map((address) => address.startsWith("https://"));
    // A token must not travel in plain text because only one address has the https scheme.
    if (!tls && !secure && isHttps.includes(true) && isHttps.includes(false))
      throw new RangeError(
        `some of the addresses ${addresses} begin with https:// and others do not; write https:// before each`,
      );
    this.#transports = each.map((address) => readTransport(address, tls));
    this.#secure = secure;
    this.#options = token ? { interceptors: [withToken(token)] } : {};
  }

  /** Address of the server in use. */
  get address(): string {
    return this.#transport.target;
  }

  get #transport(): Transport {
    return this.#transports[this.#current]!;
  }

  /** The server with this address was not reachable: from now on the next one is used, if there is another. */
  leave(address: string): void {
    if (address === this.address) this.#current = (this.#current + 1) % this.#transports.length;
  }

  /** Aborts when everything in progress must end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Like the function `stream`, on a separate connection. If there is another server, a server that does not answer is not waited for; one that
   * is away is left, so that the next attempt uses another. @throws SightlineError
   */
  async *stream<C extends Client, Response>(
    type: ClientType<C>,
    start: (client: C) => ClientReadableStream<Response>,
    settings: StreamSettings,
  ): AsyncGenerator<Response, void> {
    const { address } = this;
    const hasOther = this.#transports.length > 1;
    const options = hasOther ? { ...ownConnection, ...watchedConnection } : ownConnection;
    const open = () => this.#make(type, this.#transport, options);
    try {
      yield* stream(open, start, { ...settings, connectMs: hasOther ? connectMs : undefined });
    } catch (error) {
      if (error instanceof SightlineError && isAway(error)) this.leave(address);
      throw error;
    }
  }

  /** Runs a call with a single answer. @throws SightlineError, CANCELLED when aborted or closed */
  async call<C extends Client, Request, Response>(
    type: ClientType<C>,
    method: (client: C) => UnaryMethod<Request, Response>,
    request: Request,
    { signal, deadlineMs }: CallSettings & { deadlineMs?: number },
  ): Promise<Response> {
    const { address } = this;
    const client = this.#client(type, this.#transport);
    try {
      return await unary(client, method(client), request, [this.closing, signal], deadlineMs);
    } catch (error) {
      if (error instanceof SightlineError && isAway(error)) this.leave(address);
      throw error;
    }
  }

  /**
   * Waits until the server accepts calls; with several servers, until the first one does. @throws SightlineError UNAVAILABLE after
   * `timeoutMs`
   */
  async ready<C extends Client>(type: ClientType<C>, timeoutMs: number): Promise<void> {
    const deadline = new Date(Date.now() + timeoutMs);
    const clients = this.#transports.map((transport) => this.#client(type, transport));
    const readiness = clients.map(async (client, index) => {
      await new Promise<void>((resolve, reject) =>
        client.waitForReady(deadline, (cause) => (cause ? reject(cause) : resolve())),
      );
      return index;
    });
    try {
      this.#current = await Promise.any(readiness);
    } catch (error) {
      const [cause] = (error as AggregateError).errors;
      const where = this.#transports.map(({ target }) => target).join(" or ");
      throw new SightlineError("UNAVAILABLE", `no server answers at ${where}`, { cause });
    }
  }

  /** Ends everything in progress. Safe to call twice. */
  close(): void {
    this.#closing.abort();
    for (const clients of this.#shared.values()) for (const client of clients.values()) client.close();
    this.#shared.clear();
  }

  #client<C extends Client>(type: ClientType<C>, transport: Transport): C {
    if (this.closing.aborted) throw new SightlineError("CANCELLED", "this client has been closed");
    const clients = this.#shared.get(transport.target) ?? new Map<ClientType<Client>, Client>();
    this.#shared.set(transport.target, clients);
    const client = (clients.get(type) as C) ?? this.#make(type, transport, channelOptions);
    clients.set(type, client);
    return client;
  }

  #make<C extends Client>(
    type: ClientType<C>,
    { target, credentials, options }: Transport,
    more: ClientOptions,
  ): C {
    return new type(target, this.#secure ?? credentials, { ...options, ...this.#options, ...more });
  }
}

/** Reasons that concern a camera or an ingest: another server would give the same answer. */
const ofCameras: ReadonlySet<string> = new Set([
  "picture_unavailable",
  "recording_unavailable",
  "probe_unavailable",
]);

/** Whether the failure is not the call's own: the server is unreachable, hangs, is stopping, or has no NATS. */
function isAway({ code, reason }: SightlineError): boolean {
  if (code === "UNAVAILABLE") return reason === undefined || !ofCameras.has(reason);
  return code === "DEADLINE_EXCEEDED" && reason === undefined;
}

/** Files of certificates and a key, all PEM. */
export interface TlsFilePaths {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  /** As in `TlsOptions`. */
  serverName?: string | undefined;
}

/**
 * Reads TLS options from these files; undefined when no file is given. @throws RangeError when a file cannot be read, or certificate and
 * key are not given together
 *
 * @example
 * ```ts
 * assert.equal(readTlsFiles({}), undefined); // Nothing is given.
 * assert.throws(() => readTlsFiles({ ca: "no-such-file.pem" }), RangeError);
 * ```
 */
export function readTlsFiles({ ca, cert, key, serverName }: TlsFilePaths): TlsOptions | undefined {
  if (Boolean(cert) !== Boolean(key))
    throw new RangeError("a client's certificate and its private key go together, and only one is given");
  if (!ca && !cert && !serverName) return undefined;
  return { ca: read(ca), cert: read(cert), key: read(key), serverName };
}

function read(path: string | undefined): Buffer | undefined {
  if (!path) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new RangeError(`the file ${path} cannot be read (${why})`, { cause });
  }
}
