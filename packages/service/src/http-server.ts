import type { Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { FastifyInstance, FastifyReply, FastifyServerOptions } from "fastify";
import fastify from "fastify";
import type { Registry } from "prom-client";
import type { Logger } from "./log.ts";
import type { ServerCertificate } from "./tls/server-certificate.ts";

/** A condition for the service to work; returns what is missing, or `undefined` when it is met. */
export type ReadinessCheck = () => string | undefined;

/** Largest body that a route accepts by default. */
const maxBodyBytes = 128 * 1024;
/** A whole request must arrive within this time, so a client that sends slowly cannot hold a connection for long. */
const requestTimeoutMs = 30_000;
/** Longest path parameter of a route. */
const maxParamLength = 256;
/** How often to check; what is missing in two checks in a row is logged. */
const lookMs = 5_000;

/**
 * In place of Fastify's own compilers of JSON Schemas, which it loads for every server: a hundred modules, a tenth of the start of a
 * service. Routes that check what they receive set a compiler of their own.
 */
const compilersFactory = { buildValidator: noCompiler, buildSerializer: noCompiler };

function noCompiler(): never {
  throw new Error("a route with a schema needs a compiler: setValidatorCompiler and setSerializerCompiler");
}

/** How to reach a server. */
export interface HttpServerOptions {
  /** The server's TLS certificate; without it, the server uses plain HTTP. */
  certificate?: ServerCertificate | undefined;
  /** Addresses and networks of proxies whose headers about the caller's address and TLS are trusted. */
  trustedProxies?: readonly string[];
  /** Whether the service serves `/metrics` itself, because it does not show everything to everyone. */
  ownMetrics?: boolean;
}

/**
 * Serves `/metrics` (Prometheus text), `/healthz` (the process answers) and `/readyz` (503 with what is missing, which is also logged).
 * More routes may be registered on `app` before `listen`.
 */
export class HttpServer {
  readonly app: FastifyInstance;
  readonly #readiness: Record<string, ReadinessCheck>;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  /** What was missing at the last check, and what of it has been logged. */
  #seen = "";
  #logged = "";

  constructor(
    registry: Registry,
    readiness: Record<string, ReadinessCheck>,
    log: Logger,
    { certificate, trustedProxies = [], ownMetrics = false }: HttpServerOptions = {},
  ) {
    this.#readiness = readiness;
    this.#log = log;
    const options: FastifyServerOptions = {
      logger: false,
      forceCloseConnections: true,
      bodyLimit: maxBodyBytes,
      requestTimeout: requestTimeoutMs,
      schemaController: { compilersFactory },
      routerOptions: { maxParamLength },
      // A malformed path does not reach a route, and therefore not the error handler either.
      frameworkErrors: (_error, _request, reply: FastifyReply) => {
        void reply.code(400).send({ code: "invalid_argument", message: "the path is not valid" });
      },
      ...(trustedProxies.length > 0 && { trustProxy: [...trustedProxies] }),
    };
    this.app = certificate ? withTls(options, certificate) : fastify(options);
    if (!ownMetrics)
      this.app.get("/metrics", async (_request, reply) => {
        reply.type(registry.contentType);
        return registry.metrics();
      });
    this.app.get("/healthz", async () => ({ status: "ok" }));
    this.app.get("/readyz", async (_request, reply) => {
      const missing = this.#missing();
      const ready = Object.keys(missing).length === 0;
      reply.code(ready ? 200 : 503);
      return ready ? { status: "ready" } : { status: "not ready", missing };
    });
  }

  /** Binds to `HOST:PORT` (port 0 picks a free one) and returns the bound address. */
  async listen(address: string): Promise<string> {
    const { host, port } = splitAddress(address);
    await this.app.listen({ host, port });
    this.#timer = setInterval(() => this.#look(), lookMs);
    const bound = this.app.server.address();
    if (bound === null || typeof bound === "string") throw new Error("server has no TCP address");
    return `${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.app.close();
  }

  #missing(): Record<string, string> {
    const missing: Record<string, string> = {};
    for (const [name, check] of Object.entries(this.#readiness)) {
      const reason = check();
      if (reason !== undefined) missing[name] = reason;
    }
    return missing;
  }

  #look(): void {
    const missing = this.#missing();
    const what = Object.keys(missing).join(" ");
    if (what === this.#seen && what !== this.#logged) {
      this.#logged = what;
      if (what === "") this.#log.info("ready again");
      else this.#log.warn({ missing }, "not ready");
    }
    this.#seen = what;
  }
}

function withTls(options: FastifyServerOptions, certificate: ServerCertificate): FastifyInstance {
  const https = { ...certificate.options, requestCert: certificate.asksClients, rejectUnauthorized: false };
  const app = fastify({ ...(options as object), https });
  certificate.onChange((changed) => app.server.setSecureContext(changed));
  answerPlainRequests(app.server);
  return app as unknown as FastifyInstance;
}

/** Splits `HOST:PORT`; brackets around an IPv6 address are removed. */
export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}

/** Whether an address is only reachable from this machine. */
export function isLoopback(address: string): boolean {
  const { host } = splitAddress(address);
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

const text = "this port speaks TLS; call it with https://\n";
const answer = [
  "HTTP/1.1 400 Bad Request",
  "Content-Type: text/plain; charset=utf-8",
  `Content-Length: ${text.length}`,
  "Connection: close",
  "",
  text,
].join("\r\n");

/** Tells a client that uses plain HTTP on a TLS port what is wrong; otherwise it would only see a closed connection. */
export function answerPlainRequests(server: Server): void {
  const open = new Map<string, Socket>();
  server.prependListener("connection", (socket: Socket) => {
    const from = nameOf(socket);
    open.set(from, socket);
    socket.once("close", () => open.delete(from));
  });
  server.prependListener("tlsClientError", (error: NodeJS.ErrnoException, tls: TLSSocket) => {
    if (error.code === "ERR_SSL_HTTP_REQUEST") open.get(nameOf(tls))?.end(answer);
  });
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
