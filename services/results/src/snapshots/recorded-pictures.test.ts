import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  Event,
  EventPhase,
  encodeJson,
  eventsStream,
  ingestPresence,
  pictureSizeHeader,
  subjects,
} from "@sightline/contracts";
import { connectNats, createLogger, ensureStream, type Nats, SnapshotStore } from "@sightline/service";
import { wallClockMs } from "@sightline/service/clock";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RecordingHolders } from "../recordings/recording-holders.ts";
import { RecordedPictures } from "./recorded-pictures.ts";

const retention = { maxAgeSeconds: 3600, maxBytes: 1e8, replicas: 1 };
const small = new Uint8Array([1]);
const large = new Uint8Array([2, 2]);
const at = wallClockMs();
const details = {
  ...{ epoch: "e1", number: 7, captureTimeMs: at, ptsUs: 0, width: 320, height: 180, boxes: [] },
  source: "model" as const,
};

let server: NatsServer;
let nats: Nats;
let store: SnapshotStore;
let pictures: RecordedPictures;
let ingest: Server;
/** What happens while the ingest makes a picture. */
let meanwhile = async () => {};

beforeAll(async () => {
  server = await NatsServer.start();
  const log = createLogger("test", "fatal");
  nats = await connectNats(server.url, "test", log);
  await ensureStream(nats.manager, eventsStream(retention));
  store = await SnapshotStore.open(nats, retention);
  ingest = createServer(async (_, response) => {
    await meanwhile();
    response.setHeader(pictureSizeHeader, "1920x1080").end(large);
  }).listen(0, "127.0.0.1");
  await once(ingest, "listening");
  const url = `http://127.0.0.1:${(ingest.address() as AddressInfo).port}`;
  const video = { codec: "h264", width: 1920, height: 1080, audio: false, eventsOnly: false };
  const spans = [{ fromMs: at - 1000, toMs: at + 1000, ...video }];
  const answer = { ingest: "one", url, token: "secret", spans, preRollMs: 0, postRollMs: 0 };
  nats.connection.subscribe(subjects.recordingsFind("*"), {
    callback: (_, message) => void message.respond(encodeJson(answer)),
  });
  const holders = new RecordingHolders(nats, { keys: () => [`${ingestPresence}.one`] }, log);
  pictures = new RecordedPictures(nats, holders, store, log);
});
afterAll(async () => {
  ingest?.close();
  await nats?.connection.close();
  await server?.stop();
});

/** An event that is over, of which the frame that the model saw is kept; returns its picture as somebody gets it. */
async function look(id: string): Promise<Uint8Array> {
  const event = Event.fromPartial({
    ...{ name: `cameras/front/events/${id}`, phase: EventPhase.ONCE },
    snapshotFrame: { epoch: "e1", number: 7 },
  });
  await nats.jetstream.publish(subjects.event("front", id), Event.encode(event).finish());
  await store.put(`front/${id}`, small, details);
  return (await pictures.better("front", id, { details, jpeg: small })).jpeg;
}

test("the picture of a recording takes the place of the model's frame", async () => {
  expect(await look("kept")).toEqual(large);
  expect(await store.get("front/kept")).toEqual({
    details: { ...details, width: 1920, height: 1080, source: "camera" },
    jpeg: large,
  });
});

test.each([
  ["its picture", () => store.deleteOf("front", { start: at, end: at + 1 })],
  [
    "its event",
    () => nats.manager.streams.purge(eventsStream(retention).name, { filter: subjects.event("front", "*") }),
  ],
])("of an event that loses %s while the better one is made, none comes back", async (what, remove) => {
  meanwhile = async () => void (await remove());
  const id = what.replace(" ", "-");
  expect(await look(id)).toEqual(large);
  expect((await store.get(`front/${id}`))?.jpeg).not.toEqual(large);
});
