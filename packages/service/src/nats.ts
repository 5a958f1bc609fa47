import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "./log.ts";

/** A NATS connection and what is built on it. */
export interface Nats {
  connection: NatsConnection;
  jetstream: JetStreamClient;
  manager: JetStreamManager;
  kv: Kvm;
  /** Whether the server answers now. */
  connected(): boolean;
}

/**
 * Connects, waiting for the server to appear, and reconnects for ever; each change is logged.
 * @throws when `signal` aborts before the first connection
 */
export async function connectNats(
  url: string,
  name: string,
  log: Logger,
  options: { signal?: AbortSignal; onReconnect?: () => void } = {},
): Promise<Nats> {
  const connection = await connectWithPatience(url, name, log, options.signal);
  let up = true;
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") {
        up = false;
        log.warn({ server: status.server }, "NATS is gone; reconnecting");
      } else if (status.type === "reconnect") {
        up = true;
        log.info({ server: status.server }, "NATS is back");
        options.onReconnect?.();
      } else if (status.type === "error") {
        log.warn({ error: status.error.message }, "NATS reports an error");
      }
    }
  })();
  return {
    connection,
    jetstream: jetstream(connection),
    manager: await jetstreamManager(connection, { checkAPI: false }),
    // Short, so that a request lost in a restart is asked again well within a lease's life.
    kv: new Kvm(jetstream(connection, { timeout: 1_000 })),
    connected: () => up && !connection.isClosed(),
  };
}

async function connectWithPatience(
  url: string,
  name: string,
  log: Logger,
  signal?: AbortSignal,
): Promise<NatsConnection> {
  const servers = url.split(",").map((server) => server.trim());
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await connect({
        servers,
        name,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        reconnectJitter: 250,
        pingInterval: 5_000,
        maxPingOut: 2,
        // A stack trace for each request would be a tenth of what results spends on a frame.
        noAsyncTraces: true,
      });
    } catch (error) {
      if (attempt % 20 === 0)
        log.warn({ url, error: (error as Error).message }, "NATS cannot be reached; trying again");
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
