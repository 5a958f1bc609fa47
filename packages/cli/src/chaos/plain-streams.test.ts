import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { NatsServer } from "@sightline/service/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PlainStreams } from "./plain-streams.ts";

let servers: NatsServer[];
let plain: PlainStreams;

beforeEach(async () => {
  servers = await NatsServer.startCluster(3);
  // JetStream refuses everything until the servers have chosen their first leader.
  const started = () => PlainStreams.start({ natsUrl: servers.map(({ url }) => url).join(",") });
  await expect.poll(async () => (plain = await started())).toBeDefined();
});

afterEach(async () => {
  for (const { pid } of servers) if (pid !== undefined) process.kill(pid, "SIGCONT");
  await plain.stop();
  await Promise.all(servers.map((server) => server.stop()));
});

const confirms = () => plain.silence(performance.now() - 200, performance.now()) < 1_000;

test("NATS alone confirms while one server is gone, is silent while most are frozen, and keeps nothing of it", async () => {
  const [first, second, third] = servers as [NatsServer, NatsServer, NatsServer];
  await third.down("SIGKILL");
  await expect.poll(confirms).toBe(true);
  await third.up();

  const began = performance.now();
  for (const { pid } of [second, third]) process.kill(pid!, "SIGSTOP");
  await expect.poll(() => plain.silence(began, performance.now())).toBeGreaterThan(2_000);
  for (const { pid } of [second, third]) process.kill(pid!, "SIGCONT");
  await expect.poll(confirms).toBe(true);

  const connection = await connect({ servers: first.url });
  const { streams } = await jetstreamManager(connection, { checkAPI: false });
  const names = () => Array.fromAsync(streams.names()).catch(() => []);
  await expect.poll(async () => (await names()).toSorted()).toEqual([1, 2, 3, 4].map((n) => `CHAOS_${n}`));
  await plain.stop();
  expect(await Array.fromAsync(streams.names())).toEqual([]);
  await connection.close();
});
