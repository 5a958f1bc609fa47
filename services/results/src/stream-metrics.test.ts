import { connectNats, createLogger } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import { StreamMetrics } from "./stream-metrics.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

test("streams are measured while NATS answers, and have no values while it does not", async () => {
  const server = await NatsServer.start();
  ends.push(() => server.stop());
  const nats = await connectNats(server.url, "test", createLogger("test", "fatal"));
  ends.push(() => nats.connection.close());
  const registry = new Registry();
  const streams = new StreamMetrics(registry, server.directory, 50);
  ends.push(() => streams.stop());
  const value = async (series: string) => {
    const line = (await registry.metrics()).split("\n").find((text) => text.startsWith(`${series} `));
    return line && Number(line.slice(series.length + 1));
  };
  expect(await value("sightline_nats_up")).toBe(0);

  await nats.manager.streams.add({ name: "LIMITED", subjects: ["limited"], max_bytes: 10_000 });
  await nats.manager.streams.add({ name: "OPEN", subjects: ["open"] });
  for (let i = 0; i < 3; i++) await nats.jetstream.publish("limited", "x".repeat(1_000));
  streams.start(nats);
  await expect.poll(() => value("sightline_nats_up")).toBe(1);
  expect(await value('sightline_stream_messages{stream="LIMITED"}')).toBe(3);
  expect(await value('sightline_stream_bytes{stream="LIMITED"}')).toBeGreaterThan(3_000);
  expect(await value('sightline_stream_max_bytes{stream="LIMITED"}')).toBe(10_000);
  await expect.poll(() => value('sightline_stream_oldest_seconds{stream="LIMITED"}')).toBeGreaterThan(0);
  expect(await value('sightline_stream_messages{stream="OPEN"}')).toBe(0);
  expect(await value('sightline_stream_max_bytes{stream="OPEN"}')).toBe(0);
  expect(await value('sightline_stream_oldest_seconds{stream="OPEN"}')).toBe(0);

  expect(await value("sightline_nats_disk_size_bytes")).toBeGreaterThan(1e6);
  expect(await value("sightline_nats_disk_free_bytes")).toBeGreaterThanOrEqual(0);

  await server.down("SIGKILL");
  await expect.poll(() => value("sightline_nats_up")).toBe(0);
  expect(await value('sightline_stream_messages{stream="LIMITED"}')).toBeUndefined();

  await server.up();
  await expect.poll(() => value('sightline_stream_messages{stream="LIMITED"}')).toBe(3);
  expect(await value("sightline_nats_up")).toBe(1);

  await nats.manager.streams.delete("LIMITED");
  await expect.poll(() => value('sightline_stream_messages{stream="LIMITED"}')).toBeUndefined();
  expect(await value('sightline_stream_messages{stream="OPEN"}')).toBe(0);
});
