import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { ServerWatch } from "./server-watch.ts";
import { NatsServer } from "./testing/index.ts";

const patient = { timeout: 30_000 };
const log = createLogger("test", "fatal");
let servers: NatsServer[];
let nats: Nats;
/** Whom the connection was lost to. */
let lost: string[];

beforeEach(async () => {
  servers = await NatsServer.startCluster(2);
  nats = await connectNats(servers[0]!.url, "test", log);
  lost = [];
  nats.changes.listen({ lost: (server) => lost.push(server) });
  // Each server tells of the others.
  await expect.poll(() => nats.connection.getServers().length, patient).toBe(2);
});

afterEach(async () => {
  for (const { pid } of servers) if (pid !== undefined) process.kill(pid, "SIGCONT");
  await nats.connection.close();
  await Promise.all(servers.map((server) => server.stop()));
});

const address = ({ url }: NatsServer) => new URL(url).host;
const freeze = (server: NatsServer) => process.kill(server.pid!, "SIGSTOP");
const thaw = (server: NatsServer) => process.kill(server.pid!, "SIGCONT");

test("a server that stands still is left for another one, also with more under way to it than it can take", async () => {
  const [first, second] = servers as [NatsServer, NatsServer];
  expect(nats.connection.getServer()).toBe(address(first));
  freeze(first);
  for (let sent = 0; sent < 16; sent++) nats.connection.publish("anything", new Uint8Array(4 * 1024 * 1024));
  await expect.poll(() => nats.connected() && nats.connection.getServer(), patient).toBe(address(second));
  await nats.connection.flush();
  expect(lost).toEqual([address(first)]);
});

test("where no server answers none is left, and the connection goes on when its own does", async () => {
  const [first, second] = servers as [NatsServer, NatsServer];
  const looks = watched();
  freeze(second);
  freeze(first);
  await expect.poll(() => looks.count, patient).toBeGreaterThan(1);
  thaw(first);
  await nats.connection.flush();
  expect(nats.connection.getServer()).toBe(address(first));
  expect(lost).toEqual([]);

  /** How often a watch of this connection has found nobody who answers. */
  function watched() {
    const found = { count: 0 };
    const told = createLogger("test", "silent");
    told.debug = () => {
      found.count++;
    };
    new ServerWatch(told).start(nats.connection, nats.changes);
    return found;
  }
});

test("a process that was held up itself does not take its server for one that stands still", async () => {
  const held = new Int32Array(new SharedArrayBuffer(4));
  for (let times = 0; times < 3; times++) {
    Atomics.wait(held, 0, 0, 2_000);
    await nats.connection.flush();
  }
  expect(lost).toEqual([]);
});
