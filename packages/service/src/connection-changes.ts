import type { NatsConnection } from "@nats-io/transport-node";

/** Called for changes of a connection; `server` is its address. */
export interface ConnectionListener {
  lost?(server: string): void;
  back?(server: string): void;
  /** The server or the library reports an error; the connection may continue. */
  failed?(error: Error): void;
  /** It is closed and will not come back. */
  ended?(): void;
}

/** Follows the status of one NATS connection and notifies all listeners. */
export class ConnectionChanges {
  readonly #listeners = new Set<ConnectionListener>();

  constructor(connection: Pick<NatsConnection, "status">) {
    void this.#follow(connection);
  }

  /** Calls the listener for each change until the returned function is called. */
  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #follow(connection: Pick<NatsConnection, "status">): Promise<void> {
    for await (const status of connection.status())
      for (const listener of [...this.#listeners])
        if (status.type === "disconnect") listener.lost?.(status.server);
        else if (status.type === "reconnect") listener.back?.(status.server);
        else if (status.type === "error") listener.failed?.(status.error);
    for (const listener of [...this.#listeners]) listener.ended?.();
  }
}
