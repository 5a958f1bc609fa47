import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { afterEach, expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { connectNats, natsReadiness } from "./nats.ts";
import { isClustered } from "./nats-access.ts";
import { NatsServer } from "./testing/index.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

test("a server that takes smaller messages than frames are is refused at start, and named when it comes later", async () => {
  const server = await NatsServer.start();
  ends.push(() => server.stop());
  const log = createLogger("test", "fatal");
  const nats = await connectNats(server.url, "test", log);
  ends.push(() => nats.connection.close());
  const checks = natsReadiness(() => nats);
  const missing = () =>
    Object.entries(checks).flatMap(([name, check]) => (check() === undefined ? [] : [name]));
  expect(missing()).toEqual([]);

  const restart = async (maxPayload: string) => {
    await server.down();
    const config = join(server.directory, "nats.conf");
    writeFileSync(
      config,
      readFileSync(config, "utf8").replace(/max_payload: \w+/, `max_payload: ${maxPayload}`),
    );
    await server.up();
  };
  await restart("1MB");
  await expect.poll(missing).toEqual(["max_payload"]);
  expect(checks.max_payload?.()).toMatch(
    /^NATS accepts messages of at most 1048576 bytes.* set max_payload to 8MB/,
  );
  await expect(connectNats(server.url, "late", log)).rejects.toMatchObject({
    name: "SettingError",
    message: expect.stringContaining("set max_payload to 8MB"),
  });
  await restart("8MB");
  await expect.poll(missing).toEqual([]);
});

test("only a server that has others beside it is in a cluster, not one that is a site", async () => {
  const single = await NatsServer.start();
  const site = await NatsServer.start(() => 'leafnodes { remotes: [{ url: "nats-leaf://127.0.0.1:1" }] }');
  const [member, other] = await NatsServer.startCluster(2);
  const servers = [single, site, member!, other!];
  ends.push(...servers.map((server) => () => server.stop()));
  const found: boolean[] = [];
  for (const { url } of servers) {
    const connection = await connect({ servers: url });
    found.push(isClustered(connection));
    await connection.close();
  }
  expect(found).toEqual([false, false, true, true]);
});
