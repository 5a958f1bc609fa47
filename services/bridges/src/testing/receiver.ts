import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it arrived. */
export interface Received {
  headers: Record<string, string>;
  body: string;
  /** Number of the event that it tells of; see EventSource. */
  number: number;
  /** Monotonic, in milliseconds. */
  at: number;
}

/** Answers a request; `attempt` counts those with the same webhook-id, from 1. */
export type Behaviour = (received: Received, response: ServerResponse, attempt: number) => void;

/** An HTTP server that receives webhooks and answers them as it is told. */
export class Receiver {
  readonly received: Received[] = [];
  behaviour: Behaviour;
  readonly #server: Server;

  private constructor(behaviour: Behaviour) {
    this.behaviour = behaviour;
    this.#server = createServer((request, response) => void this.#receive(request, response));
  }

  static async start(behaviour: Behaviour = accept): Promise<Receiver> {
    const receiver = new Receiver(behaviour);
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  /** Numbers of the events received, in the order in which they came. */
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

/** Takes every message. */
export const accept: Behaviour = (_, response) => void response.writeHead(204).end();

/** Answers with a status, until the attempt with this number, which is accepted. */
export function failUntil(attempt: number, status: number, headers: Record<string, string> = {}): Behaviour {
  return (received, response, current) => {
    if (current >= attempt) accept(received, response, current);
    else response.writeHead(status, headers).end("not now");
  };
}
