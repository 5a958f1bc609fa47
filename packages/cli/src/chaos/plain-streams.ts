import { type JetStreamClient, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { accessOptions, type NatsAccess } from "@sightline/service";
import { longestGap } from "./chaos-watch.ts";

/** A frame needs four leaders on its way: of READY, of the workers' consumer of it, of DETECTIONS and of TIMELINE. */
const names = ["CHAOS_1", "CHAOS_2", "CHAOS_3", "CHAOS_4"] as const;
const publishMs = 200;
/** A late acknowledgement counts too. */
const answerMs = 10_000;
const makeMs = 30_000;
const deleteMs = 5_000;
/** How long the library waits for a server that does not greet, and how soon it then tries again. */
const greetingMs = 1_000;
const againMs = 100;

/**
 * What NATS alone does in a fault: streams of the same kind as Sightline's, with as many copies, but used only from here, and by the library
 * alone. A message to each of them is published five times a second over a connection to every server. It is confirmed when any of
 * the servers acknowledges it, so the time that a connection needs to come back is not measured.
 */
export class PlainStreams {
  readonly #connections: readonly NatsConnection[];
  readonly #clients: readonly JetStreamClient[];
  /** When each stream acknowledged, in monotonic milliseconds. */
  readonly #confirmed = new Map<string, number[]>(names.map((name) => [name, []]));
  #published = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(connections: readonly NatsConnection[]) {
    this.#connections = connections;
    this.#clients = connections.map((connection) => jetstream(connection));
  }

  /** Makes the streams, with a copy on each server of `access`, and begins to publish. @throws when a server does not answer */
  static async start(access: NatsAccess): Promise<PlainStreams> {
    const servers = access.natsUrl.split(",").map((natsUrl) => ({ ...access, natsUrl }));
    const attempts = await Promise.allSettled(servers.map(connectTo));
    const plain = new PlainStreams(
      attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : [])),
    );
    try {
      for (const attempt of attempts) if (attempt.status === "rejected") throw attempt.reason;
      const manager = await jetstreamManager(plain.#connections[0]!, { timeout: makeMs });
      for (const name of names)
        await manager.streams.add({
          ...{ name, subjects: [subjectOf(name)], storage: "file", num_replicas: servers.length },
          max_msgs: 100,
        });
    } catch (error) {
      await plain.stop();
      throw error;
    }
    plain.#timer = setInterval(() => plain.#publish(), publishMs);
    return plain;
  }

  /** The longest time in which one of the streams confirmed nothing between `from` and `to`, all in monotonic milliseconds. */
  silence(from: number, to: number): number {
    return Math.max(...[...this.#confirmed.values()].map((times) => longestGap(times, from, to)));
  }

  /** Deletes the streams, if NATS still answers. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const managers = this.#connections.map((each) =>
      jetstreamManager(each, { checkAPI: false, timeout: deleteMs }),
    );
    const remove = (name: string) =>
      Promise.any(managers.map(async (manager) => (await manager).streams.delete(name)));
    await Promise.allSettled(names.map(remove));
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #publish(): void {
    // All connections send the same message: it is stored once.
    const msgID = String(++this.#published);
    for (const name of names)
      for (const client of this.#clients)
        client.publish(subjectOf(name), msgID, { msgID, timeout: answerMs }).then(
          ({ duplicate }) => {
            // What was stored before shows nothing about now.
            if (!duplicate) this.#confirmed.get(name)!.push(performance.now());
          },
          () => undefined,
        );
  }
}

const subjectOf = (name: string) => `chaos.${name}`;

function connectTo(access: NatsAccess): Promise<NatsConnection> {
  return connect({
    ...accessOptions(access, "operator"),
    name: "sightline-chaos",
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: againMs,
    reconnectJitter: 0,
    timeout: greetingMs,
    noAsyncTraces: true,
  });
}
