import { Event, streams } from "@sightline/contracts";
import { connectNats, createLogger, ensureResultStreams, type Nats } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sampleEvent } from "../testing/running-feeds.ts";
import type { SiteJetStream } from "./camera-names.ts";
import { copyEvent } from "./copy-event.ts";

let server: NatsServer;
let nats: Nats;

beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", createLogger("test", "fatal"));
  const kept = { maxAgeSeconds: 3600, maxBytes: 1e8, replicas: 1 };
  await ensureResultStreams(nats.manager, { timeline: kept, events: kept, deadLetters: kept, audit: kept });
});
afterAll(async () => {
  await nats?.connection.close();
  await server?.stop();
});

test("of processes that copy an event at the same time one stores it, and the others take it for copied", async () => {
  const { manager, jetstream } = nats;
  const remote: SiteJetStream = { site: "north", manager, jetstream, isRegistered: () => false };
  for (let revision = 1; revision <= 20; revision++) {
    const data = Event.encode(sampleEvent({ camera: "door", id: "e", revision })).finish();
    const stored = await Promise.all([1, 2, 3].map(() => copyEvent(nats, remote, data)));
    expect(stored.filter(Boolean)).toHaveLength(1);
  }
  expect((await manager.streams.info(streams.events)).state.messages).toBe(20);
});
