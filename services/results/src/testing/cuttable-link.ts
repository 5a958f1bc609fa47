import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A TCP connection to a port of this machine that can be cut and restored; counts bytes towards that port. */
export class CuttableLink {
  /** Bytes sent towards the target so far. */
  sent = 0;
  readonly port: number;
  readonly #target: number;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number, server: Server) {
    this.#target = target;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (socket) => this.#pass(socket));
  }

  static async start(target: number): Promise<CuttableLink> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new CuttableLink(target, server);
  }

  /** Ends all connections and accepts no new ones. */
  cut(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async join(): Promise<void> {
    const server = createServer((socket) => this.#pass(socket)).listen(this.port, "127.0.0.1");
    this.#server = server;
    await once(server, "listening");
  }

  #pass(near: Socket): void {
    const far = connect(this.#target, "127.0.0.1");
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => [near, far].map((each) => each.destroy()));
    }
    near.on("data", (data) => {
      this.sent += data.byteLength;
    });
    near.pipe(far);
    far.pipe(near);
  }
}
