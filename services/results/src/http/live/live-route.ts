import { liveCloseCodes } from "@sightline/contracts";
import type { FastifyInstance } from "fastify";
import type { WebSocket } from "ws";
import { callerKey } from "../../access/call-limits.ts";
import type { Principal } from "../../access/principal.ts";
import { ApiError } from "../../errors.ts";
import { requesterOf } from "../access/http-guard.ts";
import type { LiveHub } from "./live-hub.ts";

/** How often to ping; a connection that has answered neither of the last two pings has gone. */
const pingMs = 15_000;
/** Longest reason when a WebSocket is closed, in bytes. */
const maxReasonLength = 123;
/** Close code: the server stops. */
const goingAway = 1001;
/** How long a browser may take to answer the close. */
const endMs = 500;

/** Serves the WebSocket `/live` of http-api.ts. `sockets` holds the open ones, so that they can be ended. */
export function liveRoute(app: FastifyInstance, hub: () => LiveHub, sockets: OpenSockets): void {
  app.get(
    "/live",
    {
      websocket: true,
      schema: { hide: true } as object,
      preValidation: async (request) => {
        if (!request.ws)
          throw new ApiError("invalid_argument", "this is a WebSocket; connect with Upgrade: websocket");
        hub();
        sockets.reserve(requesterOf(request));
      },
    },
    (connection, request) => {
      const principal = requesterOf(request);
      const release = sockets.open(connection, principal);
      const socket = hub().add(connection, principal.scope);
      const off = endWith(principal, connection, () => hub().remove(socket));
      connection.on("message", (data, isBinary) =>
        socket.receive(isBinary ? undefined : (data as Buffer).toString("utf8")),
      );
      // The error also closes the connection; there is nothing else to do.
      connection.on("error", () => connection.terminate());
      const stopPinging = keepPinging(connection);
      connection.on("close", () => {
        stopPinging();
        off();
        hub().remove(socket);
        release();
      });
    },
  );
}

/** Closes a WebSocket when its caller may not see its content any more; `ended` is called first. Returns a function that cancels this. */
export function endWith(principal: Principal, connection: WebSocket, ended: () => void): () => void {
  return principal.onEnd((reason) => {
    ended();
    connection.close(closeCodeOf(reason), reason.message.slice(0, maxReasonLength));
    setTimeout(() => connection.terminate(), endMs).unref();
  });
}

/** The open WebSockets, up to a limit. */
export class OpenSockets {
  readonly #max: number;
  readonly #maxPerUser: number;
  /** Each with the key that its caller is counted by. */
  readonly #open = new Map<WebSocket, string | undefined>();
  #stopped = false;

  constructor(max: number, maxPerUser: number) {
    this.#max = max;
    this.#maxPerUser = maxPerUser;
  }

  /** @throws ApiError too_many_sockets when the limit is reached, stopping */
  reserve(caller: Principal): void {
    if (this.#stopped)
      throw new ApiError("stopping", "the server is stopping; connect again when it is back");
    if (this.#open.size >= this.#max)
      throw new ApiError(
        "too_many_sockets",
        `there are ${this.#open.size} live connections, the most that this server takes (SIGHTLINE_MAX_SOCKETS)`,
      );
    const key = callerKey(caller);
    if (key === undefined) return;
    const own = [...this.#open.values()].filter((each) => each === key).length;
    if (own >= this.#maxPerUser)
      throw new ApiError(
        "too_many_sockets",
        `'${caller.name}' has ${own} live connections, the most that one user or token may (SIGHTLINE_MAX_SOCKETS_PER_USER)`,
      );
  }

  /** Counts a socket until the returned function is called. */
  open(socket: WebSocket, caller: Principal): () => void {
    this.#open.set(socket, callerKey(caller));
    return () => this.#open.delete(socket);
  }

  /** Ends all of them, without waiting for a browser that does not answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#open.keys()].map(end));
  }
}

function closeCodeOf(reason: Error): number {
  const changed = reason instanceof ApiError && reason.code === "access_changed";
  return changed ? liveCloseCodes.accessChanged : liveCloseCodes.unauthenticated;
}

async function end(socket: WebSocket): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const limit = setTimeout(() => socket.terminate(), endMs);
  socket.close(goingAway, "the server is stopping");
  await closed;
  clearTimeout(limit);
}

/** Pings until the returned function is called; a connection that does not answer is ended. */
export function keepPinging(connection: WebSocket): () => void {
  let unanswered = 0;
  connection.on("pong", () => {
    unanswered = 0;
  });
  const timer = setInterval(() => {
    if (++unanswered > 2) connection.terminate();
    else connection.ping();
  }, pingMs);
  return () => clearInterval(timer);
}
