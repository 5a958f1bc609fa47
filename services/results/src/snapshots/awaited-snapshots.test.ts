import { Event, eventsStream, subjects } from "@sightline/contracts";
import { connectNats, createLogger, ensureStream, type Nats, SnapshotStore } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RecordingHolders } from "../recordings/recording-holders.ts";
import { AwaitedSnapshots } from "./awaited-snapshots.ts";
import { EventSnapshots } from "./event-snapshots.ts";
import { RecordedPictures } from "./recorded-pictures.ts";

const retention = { maxAgeSeconds: 3600, maxBytes: 1e8, replicas: 1 };
const details = { epoch: "e1", number: 7, captureTimeMs: 1, ptsUs: 0, width: 2, height: 2, boxes: [] };
const jpeg = new Uint8Array([1, 2, 3]);
const notFound = { code: "snapshot_not_found" };

let server: NatsServer;
let nats: Nats;
let another: Nats;
/** Of one who waits for longer than any of these tests takes. */
let patient: EventSnapshots;
let hasty: EventSnapshots;
/** That of another process. */
let store: SnapshotStore;
beforeAll(async () => {
  server = await NatsServer.start();
  const log = createLogger("test", "fatal");
  nats = await connectNats(server.url, "test", log);
  another = await connectNats(server.url, "another", log);
  await ensureStream(nats.manager, eventsStream(retention));
  store = await SnapshotStore.open(another, retention);
  const own = await SnapshotStore.open(nats, retention);
  const holders = new RecordingHolders(nats, { keys: () => [] }, log);
  const recorded = new RecordedPictures(nats, holders, own, log);
  patient = new EventSnapshots(new AwaitedSnapshots(nats, own, 600_000), recorded);
  hasty = new EventSnapshots(new AwaitedSnapshots(nats, own, 200), recorded);
});
afterAll(async () => {
  await nats?.connection.close();
  await another?.connection.close();
  await server?.stop();
});

/** Publishes an event of the camera `front`, and returns its name. */
async function tell(id: string, hasPicture: boolean): Promise<string> {
  const event = Event.fromPartial({
    name: `cameras/front/events/${id}`,
    snapshotFrame: hasPicture ? { epoch: "e1", number: 7 } : undefined,
  });
  await nats.jetstream.publish(subjects.event("front", id), Event.encode(event).finish());
  return event.name;
}

test("a picture that another process has yet to store is waited for", async () => {
  const name = await tell("soon", true);
  const picture = patient.get(name, {});
  await store.put("front/soon", jpeg, details);
  expect(await picture).toMatchObject({ jpeg, frame: { epoch: "e1", number: 7 } });
});

test("one that does not come, of an event that names none, or of no event, is not there", async () => {
  await expect(hasty.get(await tell("never", true), {})).rejects.toMatchObject(notFound);
  await expect(patient.get(await tell("without", false), {})).rejects.toMatchObject(notFound);
  await expect(patient.get("cameras/front/events/none", {})).rejects.toMatchObject(notFound);
});

test("nobody waits who has left, and no more wait than may at a time", async () => {
  const name = await tell("many", true);
  const [left, all] = [new AbortController(), new AbortController()];
  const ended: string[] = [];
  const ask = async (who: string, { signal }: AbortController) => {
    await expect(patient.get(name, {}, signal)).rejects.toMatchObject(notFound);
    ended.push(who);
  };
  const waiting = [...Array(63)].map(() => ask("waits", all));
  const leaves = ask("leaves", left);
  await ask("is one too many", all);
  left.abort();
  await leaves;
  expect(ended).toEqual(["is one too many", "leaves"]);
  all.abort();
  await Promise.all(waiting);
});
