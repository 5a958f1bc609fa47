import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect } from "node:net";
import type { NatsConnection, ReconnectToServerHandler, Server } from "@nats-io/transport-node";
import type { ConnectionChanges } from "./connection-changes.ts";
import type { Logger } from "./log.ts";
import { isClustered } from "./nats-access.ts";

/** How often the server is pinged. */
const askMs = 250;
/** After this many checks in a row without a pong or a message, the server counts as frozen. */
const patience = 4;
/** Another server must send its greeting within this time, or it counts as frozen too. */
const greetingMs = 1_000;
/** After leaving a server, stay with the next one for this long, and do not try the old one: if all are slow, frequent changes make it worse. */
const stayMs = 10_000;

/**
 * Leaves a server of a cluster that is frozen, if another one answers. The library notices only after 10 to 15 s, and then
 * connects to the same server first: the kernel accepts connections for a frozen process.
 */
export class ServerWatch {
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #up = true;
  /** Whether a ping is unanswered, and the number of checks since then. */
  #asked = false;
  #silent = 0;
  #messages = 0;
  #looking = false;
  /** The server that was left and when, and the address of one that answers. */
  #left = { server: "", at: Number.NEGATIVE_INFINITY };
  #goal: string | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** For the connection option of this name: chooses the server that answers, not the one that was left. */
  readonly reconnectToServer: ReconnectToServerHandler = (pool) => {
    const goal = pool.find(({ listen }) => listen === this.#goal);
    this.#goal = undefined;
    if (goal) return goal;
    const left = this.#rests() ? this.#left.server : undefined;
    // The first of the pool is the library's own choice.
    return pool.find(({ listen }) => listen !== left) ?? null;
  };

  /** Watches a connection, which was created with `reconnectToServer`, until it is closed. */
  start(connection: NatsConnection, changes: ConnectionChanges): void {
    const watch = () => {
      clearInterval(this.#timer);
      // Without a cluster there is no other server to use.
      if (isClustered(connection)) this.#timer = setInterval(() => this.#look(connection), askMs);
    };
    changes.listen({
      lost: () => {
        this.#up = false;
      },
      back: () => {
        this.#up = true;
        this.#silent = 0;
        watch();
      },
      ended: () => clearInterval(this.#timer),
    });
    watch();
  }

  #look(connection: NatsConnection): void {
    if (!this.#up || connection.isClosed()) return;
    const { inMsgs } = connection.stats();
    // Any message shows that the server runs, even if the pong waits behind much other data.
    if (inMsgs !== this.#messages) this.#silent = 0;
    this.#messages = inMsgs;
    if (!this.#asked) this.#ask(connection);
    // After this process itself was frozen, this counts one check only, and then the pong is read.
    else if (++this.#silent >= patience) void this.#leave(connection);
  }

  #ask(connection: NatsConnection): void {
    this.#asked = true;
    this.#silent = 0;
    const answered = () => {
      this.#asked = false;
      this.#silent = 0;
    };
    connection.flush().then(answered, answered);
  }

  async #leave(connection: NatsConnection): Promise<void> {
    if (this.#looking || this.#rests()) return;
    this.#looking = true;
    const another = await findAnother(connection).finally(() => {
      this.#looking = false;
    });
    if (another === undefined) this.#log.debug("the NATS server does not answer, and no other one does");
    if (another === undefined || this.#silent < patience || !this.#up || connection.isClosed()) return;
    const server = connection.getServer();
    this.#log.warn({ server, another }, "the NATS server does not answer; going to another one that does");
    this.#left = { server, at: performance.now() };
    this.#goal = another;
    cut(connection);
  }

  #rests(): boolean {
    return performance.now() - this.#left.at < stayMs;
  }
}

/**
 * The address of another server of the cluster that answers; undefined if none does. One address may lead to several servers (a
 * Kubernetes service), so the present address is asked too.
 */
async function findAnother(connection: NatsConnection): Promise<string | undefined> {
  const own = connection.info?.server_id;
  const signal = AbortSignal.timeout(greetingMs);
  const answers = connection.getServers().map(async (server) => {
    await Promise.any(
      (await addressesOf(server)).map(async (host) => {
        if ((await serverAt(host, server.port, signal)) === own) throw new Error("the same");
      }),
    );
    return server.listen;
  });
  // A name server that does not answer cannot be told to stop.
  const over = once(signal, "abort").then(() => undefined);
  return Promise.race([Promise.any(answers).catch(() => undefined), over]);
}

async function addressesOf({ hostname }: Server): Promise<string[]> {
  return (await lookup(hostname, { all: true })).map(({ address }) => address);
}

/** The ID of the server at an address, from the INFO that it sends to every new client. @throws when it sends none */
async function serverAt(host: string, port: number, signal: AbortSignal): Promise<string> {
  const socket = connect({ host, port, signal });
  let said = "";
  for await (const data of socket.setEncoding("utf8")) {
    said += data;
    if (said.includes("\r\n")) break;
  }
  const [, info] = /^INFO (.*)\r\n/.exec(said) ?? [];
  return (JSON.parse(info ?? "") as { server_id: string }).server_id;
}

/**
 * Ends the connection, so that the library opens a new one. The library itself would first wait until all written data is sent, which a
 * frozen server never accepts.
 */
function cut(connection: NatsConnection): void {
  void connection.reconnect().catch(() => undefined);
  const { protocol } = connection as { protocol?: { transport?: { socket?: { destroy(): void } } } };
  protocol?.transport?.socket?.destroy();
}
