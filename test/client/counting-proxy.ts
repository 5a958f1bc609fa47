import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Passes TCP connections on to a server, and counts what the server sends. */
export class CountingProxy {
  readonly address: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #counted: { bytes: number };

  private constructor(server: Server, sockets: Set<Socket>, counted: { bytes: number }) {
    this.#server = server;
    this.#sockets = sockets;
    this.#counted = counted;
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** `target` is HOST:PORT. */
  static async start(target: string): Promise<CountingProxy> {
    const [host = "", port] = target.split(":");
    const sockets = new Set<Socket>();
    const counted = { bytes: 0 };
    const server = createServer((client) => {
      const upstream = connect(Number(port), host);
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        // The other end goes when one does.
        socket
          .on("error", () => undefined)
          .on("close", () => [client, upstream].map((each) => each.destroy()));
      }
      upstream.on("data", (data) => {
        counted.bytes += data.byteLength;
      });
      client.pipe(upstream);
      upstream.pipe(client);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new CountingProxy(server, sockets, counted);
  }

  /** Bytes that the server has sent, so far and on all connections. */
  get bytes(): number {
    return this.#counted.bytes;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
