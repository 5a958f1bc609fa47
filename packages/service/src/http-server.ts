import type { Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { FastifyInstance, FastifyReply, FastifyServerOptions } from "fastify";
import fastify from "fastify";
import type { Registry } from "prom-client";
import type { Logger } from "./log.ts";
import type { ServerCertificate } from "./tls/server-certificate.ts";

/** One thing that must be so for the service to do its work; `undefined` when it is, else what is missing. */
export type ReadinessCheck = () => string | undefined;

/** Largest body that a route takes unless it says otherwise. */
const maxBodyBytes = 128 * 1024;
/** Time in which a request must have arrived as a whole: a client that sends slowly holds no connection for long. */
const requestTimeoutMs = 30_000;
/** Longest part of a path that a route may take as its parameter. */
const maxParamLength = 256;
/** What is missing is logged when it was missing at two such looks. */
const lookMs = 5_000;

/** How a server is reached. */
export interface HttpServerOptions {
  /** What it shows by TLS; without one it speaks plain HTTP. */
  certificate?: ServerCertificate | undefined;
  /** Addresses and networks of proxies that are believed who calls, and whether by TLS. */
  trustedProxies?: readonly string[];
  /** Whether `/metrics` is left to the service, which does not tell everybody everything. */
  ownMetrics?: boolean;
}

/**
 * Serves `/metrics` (Prometheus text), `/healthz` (the process answers) and `/readyz` (503 with what is missing, which is
 * logged too). Further routes may be registered on `app` before `listen`.
 */
export class HttpServer {
  readonly app: FastifyInstance;
  readonly #readiness: Record<string, ReadinessCheck>;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  /** What was missing at the last look, and what has been logged of it. */
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
      routerOptions: { maxParamLength },
      // A path that cannot be read reaches no route, and so no error handler.
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

  /** Binds to `HOST:PORT` (port 0 picks one) and returns the address as bound. */
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

/** Tells who calls a TLS port by plain HTTP what is wrong, who would only see that the connection was closed. */
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
