import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** A request as it arrived. */
export interface Received {
  headers: Record<string, string>;
  body: string;
  /** Number of the event that it is about; see EventSource. */
  number: number;
  /** Monotonic, in milliseconds. */
  at: number;
}

/** Answers a request; `attempt` counts the requests with the same webhook-id, from 1. */
export type Behaviour = (received: Received, response: ServerResponse, attempt: number) => void;

/** How a receiver listens: by default on 127.0.0.1 and without TLS. */
export interface ReceiverOptions {
  host?: string;
  /** Directory of the certificates for TLS; see makeCertificates. */
  certificates?: string;
}

/** An HTTP server that receives webhooks and answers them as set. */
export class Receiver {
  readonly received: Received[] = [];
  behaviour: Behaviour;
  readonly #server: Server;

  private constructor(behaviour: Behaviour, certificates: string | undefined) {
    this.behaviour = behaviour;
    const listener = (request: IncomingMessage, response: ServerResponse) =>
      void this.#receive(request, response);
    const file = (name: string) => readFileSync(join(certificates ?? "", name));
    this.#server =
      certificates === undefined
        ? createServer(listener)
        : createSecureServer({ key: file("server.key"), cert: file("server.pem") }, listener);
  }

  static async start(
    behaviour: Behaviour = accept,
    { host = "127.0.0.1", certificates }: ReceiverOptions = {},
  ): Promise<Receiver> {
    const receiver = new Receiver(behaviour, certificates);
    receiver.#server.listen(0, host);
    await once(receiver.#server, "listening");
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** Numbers of the received events, in order of arrival. */
  get numbers(): number[] {
    return this.received.map(({ number }) => number);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = performance.now();
    let body = "";
    for await (const chunk of request) body += chunk;
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const number = Number(/\/e(\d+):/.exec(headers["webhook-id"] ?? "")?.[1]);
    const received = { headers, body, number, at };
    this.received.push(received);
    const attempt = this.received.filter(
      ({ headers: other }) => other["webhook-id"] === headers["webhook-id"],
    ).length;
    this.behaviour(received, response, attempt);
  }
}

/** Accepts every message. */
export const accept: Behaviour = (_, response) => void response.writeHead(204).end();

/** Answers with a status until the attempt with this number, which is accepted. */
export function failUntil(attempt: number, status: number, headers: Record<string, string> = {}): Behaviour {
  return (received, response, current) => {
    if (current >= attempt) accept(received, response, current);
    else response.writeHead(status, headers).end("not now");
  };
}
