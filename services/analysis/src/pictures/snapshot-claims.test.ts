import { Event, EventPhase } from "@sightline/contracts";
import {
  connectNats,
  createLogger,
  type Nats,
  PictureClient,
  RecentDetections,
  SnapshotStore,
} from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { PictureSource } from "../testing/picture-source.ts";
import { SnapshotClaims } from "./snapshot-claims.ts";
import { SnapshotTaker } from "./snapshot-taker.ts";

const log = createLogger("test", "fatal");
const patience = { timeout: 20_000 };

let server: NatsServer;
let nats: Nats;
let store: SnapshotStore;
let source: PictureSource;
let taker: SnapshotTaker;
let claims: SnapshotClaims;
beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", log);
  store = await SnapshotStore.open(nats, { maxAgeSeconds: 3600, maxBytes: 1e8, replicas: 1 });
});
beforeEach(async () => {
  await nats.manager.streams.purge("OBJ_snapshots");
  source = await PictureSource.start(nats);
  taker = new SnapshotTaker(new PictureClient(nats), store, new RecentDetections(), () => undefined, log);
  claims = new SnapshotClaims(taker, store, log);
});
afterEach(async () => {
  await taker.stop();
  source.stop();
});
afterAll(async () => {
  await nats?.connection.close();
  await server?.stop();
});

/** A message about an event, of frame `number`, that names the picture of frame `picture`. */
function message(id: string, phase: EventPhase, picture: number, number = picture): Event {
  return Event.fromPartial({
    name: `cameras/front/events/${id}`,
    phase,
    frame: { epoch: "e1", number },
    snapshotFrame: { epoch: "e1", number: picture },
    snapshotScore: picture / 100,
  });
}

/** The number of the frame whose picture an event names once it is settled. */
async function settled(event: Event, age: Parameters<SnapshotClaims["settle"]>[1]) {
  await claims.settle(event, age);
  return event.snapshotFrame?.number;
}

test("an event of now names the picture that is about to be taken", async () => {
  expect(await settled(message("a", EventPhase.START, 40), "fresh")).toBe(40);
  expect(source.requests).toEqual([]);
});

test("one of an old frame names its picture if ingest still has the frame, and it is stored then", async () => {
  const event = message("a", EventPhase.START, 40);
  expect(await settled(event, "old")).toBe(40);
  expect((await store.details("front/a"))?.number).toBe(40);
  taker.offer(event);
  await taker.stop();
  expect(source.requests).toHaveLength(1);
});

test("one of a frame that is gone names none, and neither do those that follow until there is a better view", async () => {
  source.refusal = () => "gone";
  expect(await settled(message("a", EventPhase.START, 40), "old")).toBeUndefined();
  expect(await settled(message("b", EventPhase.ONCE, 40), "gone")).toBeUndefined();
  expect(source.requests).toHaveLength(1);
  expect(await settled(message("a", EventPhase.UPDATE, 40, 45), "fresh")).toBeUndefined();
  expect(await settled(message("a", EventPhase.UPDATE, 50), "fresh")).toBe(50);
});

test("one that names what is not there names the picture that it has", async () => {
  taker.offer(message("a", EventPhase.START, 40));
  await expect.poll(async () => (await store.details("front/a"))?.number, patience).toBe(40);
  const gone = message("a", EventPhase.UPDATE, 44);
  expect(await settled(gone, "gone")).toBe(40);
  expect(gone.snapshotScore).toBe(0.4);
  expect(await settled(message("a", EventPhase.END, 40, 60), "fresh")).toBe(40);
});

test("a picture of an event that was found to be published is taken unless it is there", async () => {
  taker.offer(message("a", EventPhase.ONCE, 40));
  await expect.poll(async () => (await store.details("front/a"))?.number, patience).toBe(40);
  taker.offer(message("a", EventPhase.ONCE, 40), true);
  taker.offer(message("b", EventPhase.ONCE, 41), true);
  await expect.poll(async () => (await store.details("front/b"))?.number, patience).toBe(41);
  expect(source.requests.map(({ number }) => number)).toEqual([40, 41]);
});
