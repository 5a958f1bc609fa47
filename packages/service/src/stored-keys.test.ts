import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { storedKeys } from "./stored-keys.ts";
import { NatsServer } from "./testing/index.ts";

test("keys are told by the stream, with those that were removed, and a server that is gone is an error", async () => {
  const server = await NatsServer.start();
  const connection = await connect({ servers: server.url, reconnect: false });
  const manager = await jetstreamManager(connection, { timeout: 1_000 });
  const bucket = await new Kvm(jetstream(connection, { timeout: 1_000 })).create("things");
  expect(await storedKeys(manager, bucket)).toEqual([]);
  for (const key of ["a", "b.c", "d"]) await bucket.put(key, "x");
  await bucket.put("a", "y");
  await bucket.delete("d");
  expect((await storedKeys(manager, bucket)).sort()).toEqual(["a", "b.c", "d"]);
  await server.stop();
  await expect(storedKeys(manager, bucket)).rejects.toThrow();
  await connection.close();
});
