import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { encodeJson, readyConsumer, streams, subjects } from "@sightline/contracts";
import { ConnectionChanges, createLogger, SetBacks } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TokenQueue } from "./token-queue.ts";
import { TokenSource } from "./token-source.ts";

const model = "m";
const log = createLogger("test", "fatal");
const rounds = 200;
let servers: NatsServer[];
/** To the server that has the tokens and gives them out. */
let leader: NatsConnection;
/** A worker's, to another server: tokens go from one server to the other before they come to the worker. */
let worker: NatsConnection;
/** The cameras whose tokens came. */
let cameras: Set<string>;

beforeEach(async () => {
  servers = await NatsServer.startCluster(2);
  const [first, second] = await Promise.all(servers.map(({ url }) => connect({ servers: url })));
  const manager = await jetstreamManager(first!, { checkAPI: false });
  const provision = () => new TokenQueue(manager, model, 1, new SetBacks(), log).provision();
  await vi.waitFor(provision, { timeout: 60_000, interval: 250 });
  const consumer = readyConsumer(model).durable_name;
  // A token that gets lost must not come again while the test waits for it.
  await manager.consumers.update(streams.ready, consumer, { ack_wait: 3_600_000_000_000 });
  const { cluster } = await manager.consumers.info(streams.ready, consumer);
  [leader, worker] = first!.info!.server_name === cluster!.leader ? [first!, second!] : [second!, first!];
  cameras = new Set();
});

afterEach(async () => {
  await Promise.all([leader.close(), worker.close()]);
  await Promise.all(servers.map((server) => server.stop()));
});

function source(): TokenSource {
  return new TokenSource({
    nats: { connection: worker, changes: new ConnectionChanges(worker) },
    model,
    provision: async () => {},
    onToken: (token) => {
      cameras.add(token.camera);
      token.ack();
    },
    onInvalid: (error) => expect.unreachable(error.message),
    log,
  });
}

async function offer(camera: string): Promise<void> {
  await jetstream(leader).publish(subjects.ready(model, camera), encodeJson({ camera, epoch: "e", id: 1 }));
}

async function takeTheRest(tokens: TokenSource): Promise<void> {
  await vi.waitUntil(
    () => {
      tokens.demand(rounds - cameras.size);
      return cameras.size === rounds;
    },
    { timeout: 60_000, interval: 50 },
  );
  await tokens.stop();
}

test("no token is lost that is on its way from the other server when it is not wanted any more", async () => {
  const tokens = source();
  for (let round = 0; round < rounds; round++) {
    tokens.demand(4);
    await worker.flush();
    const offered = offer(`camera-${round}`);
    tokens.demand(0);
    await offered;
  }
  await takeTheRest(tokens);
});

test("nor when the worker stops", async () => {
  const stops: Promise<void>[] = [];
  for (let round = 0; round < rounds; round++) {
    const tokens = source();
    tokens.demand(1);
    await worker.flush();
    const offered = offer(`camera-${round}`);
    stops.push(tokens.stop());
    await offered;
  }
  await Promise.all(stops);
  await takeTheRest(source());
});
