import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect, type NatsConnection, TimeoutError } from "@nats-io/transport-node";
import { limits } from "@sightline/contracts";
import { askingAgain } from "./asked-again.ts";
import { ConnectionChanges } from "./connection-changes.ts";
import { SettingError } from "./errors.ts";
import type { ReadinessCheck } from "./http-server.ts";
import { JetStreamWatch } from "./jetstream-watch.ts";
import { type Logger, redact } from "./log.ts";
import { SetBacks } from "./metrics.ts";
import { accessOptions, belongsTo, type NatsAccess, refusal } from "./nats-access.ts";
import { ServerWatch } from "./server-watch.ts";
import { StreamPublisher } from "./stream-publisher.ts";

/** How long to wait for JetStream. */
const answerMs = 2_000;
/** How long one attempt to connect may take. */
const connectMs = 3_000;

/** A NATS connection and what is built on it. */
export interface Nats {
  connection: NatsConnection;
  /** Notifies when the connection is lost and when it is back. */
  changes: ConnectionChanges;
  jetstream: JetStreamClient;
  /** Publishes many messages to streams, each with its own confirmation. */
  publisher: StreamPublisher;
  manager: JetStreamManager;
  kv: Kvm;
  /** Whether the server is connected now. */
  connected(): boolean;
  /** Why the server refuses the connection now; undefined when it does not, or its answer is not known. */
  refused(): string | undefined;
  /** Whether JetStream stores what this connection publishes. */
  watch: JetStreamWatch;
  /** Streams that were found to have lost their newest messages. */
  setBacks: SetBacks;
}

/**
 * Connects, waiting until the server is there, and reconnects for ever; each change is logged. The first word of `name` is the identity,
 * which decides where answers go.
 * @throws SettingError when the server refuses the connection or only accepts messages smaller than frames, and when `signal` aborts before
 * the first connection
 */
export async function connectNats(
  at: string | NatsAccess,
  name: string,
  log: Logger,
  options: { signal?: AbortSignal } = {},
): Promise<Nats> {
  const access = typeof at === "string" ? { natsUrl: at } : at;
  const serverWatch = new ServerWatch(log);
  const connection = await connectWithPatience(access, name, log, serverWatch, options.signal);
  const tooSmall = payloadFault(connection);
  if (tooSmall) {
    await connection.close();
    throw new SettingError(tooSmall);
  }
  const watch = new JetStreamWatch();
  let up = true;
  let refused: string | undefined;
  const changes = new ConnectionChanges(connection);
  changes.listen({
    lost(server) {
      up = false;
      watch.away(true);
      log.warn({ server }, "NATS is gone; reconnecting");
    },
    back(server) {
      up = true;
      watch.away(false);
      refused = undefined;
      const fault = payloadFault(connection);
      if (fault) log.error({ server }, fault);
      else log.info({ server }, "NATS is back");
    },
    failed(error) {
      const why = refusal(error, access);
      // Each attempt to connect is refused; this is logged once.
      if (why && why !== refused) log.error(why);
      else if (!why) log.warn({ err: error }, "NATS reports an error");
      refused ??= why;
    },
    ended: () => watch.stop(),
  });
  serverWatch.start(connection, changes);
  return {
    connection,
    changes,
    watch,
    setBacks: new SetBacks(),
    // Short: a request to a stream whose leader has died is never answered. It is sent again, by when there may be another leader.
    jetstream: watch.follow(jetstream(connection, { timeout: answerMs })),
    publisher: new StreamPublisher(connection, watch, changes),
    manager: await jetstreamManager(askingAgain(connection), { checkAPI: false, timeout: answerMs }),
    // Short, so that a request lost in a restart is sent again well within a lease's TTL.
    kv: new Kvm(watch.follow(jetstream(askingAgain(connection), { timeout: 1_000 }))),
    connected: () => up && !connection.isClosed(),
    refused: () => refused,
  };
}

/** What a service requires of NATS, for `/readyz`; `nats` returns undefined until NATS was first reached. */
export function natsReadiness(nats: () => Nats | undefined): Record<string, ReadinessCheck> {
  return {
    nats: () => {
      const found = nats();
      if (!found) return "NATS has not been reached yet";
      if (found.connected()) return undefined;
      return found.refused() ?? "NATS does not answer";
    },
    max_payload: () => {
      const connection = nats()?.connection;
      return connection && payloadFault(connection);
    },
    jetstream: () => nats()?.watch.reason(),
  };
}

/**
 * Information from one server, requested once; `fault` says why the services cannot work with it.
 * @throws Error when it cannot be reached within `patienceMs`, or refuses the connection
 */
export async function examineNats(
  access: NatsAccess,
  patienceMs: number,
): Promise<{ version: string; fault: string | undefined }> {
  const connection = await connect({
    ...accessOptions(access, "operator"),
    name: "sightline-doctor",
    reconnect: false,
    timeout: patienceMs,
    ignoreClusterUpdates: true,
  });
  try {
    const fault =
      payloadFault(connection) ??
      (await jetstreamManager(connection, { timeout: patienceMs }).then(
        () => undefined,
        // A server without JetStream says so at once; one whose disk is full may hang.
        (error: Error) =>
          error instanceof TimeoutError
            ? "its JetStream does not answer; see the disk of NATS, and restart NATS when there is room"
            : `it does not give JetStream (${error.message}); start it with -js`,
      ));
    return { version: connection.info?.version ?? "", fault };
  } finally {
    await connection.close();
  }
}

/** Another server, or one restarted with other settings, may accept smaller messages than the one before. */
function payloadFault({ info }: NatsConnection): string | undefined {
  if (!info || info.max_payload >= limits.maxPayloadBytes) return undefined;
  return `NATS accepts messages of at most ${info.max_payload} bytes, but frames are larger: set max_payload to 8MB in its configuration (${limits.maxPayloadBytes} bytes; deploy/nats/nats.conf has it)`;
}

async function connectWithPatience(
  access: NatsAccess,
  name: string,
  log: Logger,
  { reconnectToServer }: ServerWatch,
  signal?: AbortSignal,
): Promise<NatsConnection> {
  const identity = name.split(" ")[0]!;
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    const options = accessOptions(access, identity);
    try {
      const connection = await connect({
        ...options,
        name,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        reconnectJitter: 250,
        reconnectToServer,
        // The library waits 20 s for a frozen server; another one may answer.
        timeout: connectMs,
        pingInterval: 5_000,
        maxPingOut: 2,
        // A stack trace for each request would cost a tenth of the time that results spends on a frame.
        noAsyncTraces: true,
        // The server may accept a refused key again after its configuration was corrected.
        ignoreAuthErrorAbort: true,
      });
      belongsTo(connection, identity);
      return connection;
    } catch (error) {
      const why = refusal(error, access);
      if (why) throw new SettingError(why, { cause: error });
      if (attempt % 20 === 0)
        log.warn({ url: redact(access.natsUrl), err: error }, "NATS cannot be reached; trying again");
      await delay(250);
    }
  }
}
