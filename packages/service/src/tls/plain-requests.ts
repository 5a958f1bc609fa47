import type { Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

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
