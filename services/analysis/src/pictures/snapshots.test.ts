import { Event, EventPhase, FrameDetections } from "@sightline/contracts";
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
import { TestPictures } from "../testing/picture-source.ts";
import { SnapshotClaims } from "./snapshot-claims.ts";
import { type SnapshotFailure, SnapshotTaker } from "./snapshot-taker.ts";

const log = createLogger("test", "fatal");
/** A bound on waiting, not a measurement. */
const patience = { timeout: 60_000 };

let server: NatsServer;
let nats: Nats;
let store: SnapshotStore;
let source: TestPictures;
let detections: RecentDetections;
let taker: SnapshotTaker;
let claims: SnapshotClaims;
let outcomes: (SnapshotFailure | "stored")[];

function startTaker(): SnapshotTaker {
  const observe = (failure: SnapshotFailure | undefined) => outcomes.push(failure ?? "stored");
  return new SnapshotTaker(new PictureClient(nats), store, detections, observe, log);
}

beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", log);
  store = await SnapshotStore.open(nats, { maxAgeSeconds: 3600, maxBytes: 1e8, replicas: 1 });
});

beforeEach(async () => {
  await nats.manager.streams.purge("OBJ_snapshots");
  source = await TestPictures.start(nats);
  detections = new RecentDetections();
  outcomes = [];
  taker = startTaker();
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

const box = { xMin: 0.25, yMin: 0.25, xMax: 0.5, yMax: 0.75 };

/** An event whose snapshot is of frame `picture`, with a score of a hundredth of its number; told in frame `number`. */
function event(id: string, phase: EventPhase, picture: number | undefined, number = picture): Event {
  const frame = (of: number | undefined) => (of === undefined ? undefined : { epoch: "e1", number: of });
  return Event.fromPartial({
    name: `cameras/front/events/${id}`,
    phase,
    track: { id: "abc-7", classId: 2, className: "person", score: 0.9, normalizedBox: box },
    frame: frame(number),
    snapshotFrame: frame(picture),
    snapshotScore: (picture ?? 0) / 100,
  });
}

const outcomesOf = (count: number) => expect.poll(() => outcomes, patience).toHaveLength(count);

test("an event's picture is stored with the frame it shows and the object's box", async () => {
  taker.offer(event("a-e1", EventPhase.START, 40));
  await outcomesOf(1);
  expect(outcomes).toEqual(["stored"]);
  expect(source.requests).toEqual([
    { camera: "front", epoch: "e1", number: 40, source: "camera", quality: 85 },
  ]);
  const { details, jpeg } = (await store.get("front/a-e1"))!;
  expect(details).toEqual({
    epoch: "e1",
    number: 40,
    captureTimeMs: 1_700_000_000_000.5,
    ptsUs: 40,
    width: 320,
    height: 240,
    score: 0.4,
    boxes: [{ classId: 2, label: "person #7 90%", box }],
  });
  expect([...jpeg.subarray(0, 2)]).toEqual([0xff, 0xd8]);
});

test("only a phase that names another frame is a reason for another picture", async () => {
  taker.offer(event("a-e1", EventPhase.START, 40));
  taker.offer(event("a-e1", EventPhase.UPDATE, 40, 44));
  taker.offer(event("a-e1", EventPhase.UPDATE, 50));
  taker.offer(event("a-e1", EventPhase.END, 50, 60));
  taker.offer(event("a-e2", EventPhase.ONCE, 60));
  taker.offer(event("a-e3", EventPhase.START, undefined, 60));
  await expect.poll(() => source.requests.map(({ number }) => number), patience).toEqual([40, 60, 50]);
  await outcomesOf(3);
  expect((await store.details("front/a-e1"))?.number).toBe(50);
});

test("a frame that has gone is counted, one that cannot be had yet is asked for again", async () => {
  source.refusal = ({ number }) => (number === 40 ? "gone" : source.requests.length < 4 ? "busy" : undefined);
  taker.offer(event("a-e1", EventPhase.START, 40));
  await outcomesOf(1);
  taker.offer(event("a-e2", EventPhase.START, 41));
  await outcomesOf(2);
  expect(outcomes).toEqual(["gone", "stored"]);
  expect(source.requests.map(({ number }) => number)).toEqual([40, 41, 41, 41]);
  expect(await store.get("front/a-e1")).toBeUndefined();
});

test("an ingest that is not there is given up after a while", async () => {
  source.stop();
  taker.offer(event("a-e1", EventPhase.START, 40));
  await outcomesOf(1);
  expect(outcomes).toEqual(["unreachable"]);
});

test("a process that takes an event over in its middle takes no picture that is there", async () => {
  taker.offer(event("a-e1", EventPhase.START, 40));
  await outcomesOf(1);
  await taker.stop();
  taker = startTaker();
  taker.offer(event("a-e1", EventPhase.UPDATE, 40, 45));
  taker.offer(event("a-e2", EventPhase.UPDATE, 45));
  await expect.poll(() => source.requests.map(({ number }) => number), patience).toEqual([40, 45]);
  await outcomesOf(2);
});

test("of pictures that wait for the same event only the newest is taken, and what is too much is counted", async () => {
  let asked = 0;
  source.refusal = () => (++asked <= 4 ? "busy" : undefined);
  // Four are under way, the others wait.
  for (let i = 0; i < 4; i++) taker.offer(event(`first-e${i}`, EventPhase.START, 10 + i));
  for (const number of [50, 51, 52]) taker.offer(event("a-e1", EventPhase.UPDATE, number));
  for (let i = 0; i < 600; i++) taker.offer(event(`many-e${i}`, EventPhase.ONCE, 100 + i));
  expect(outcomes.filter((outcome) => outcome === "busy")).toHaveLength(600 - 511);
  await expect.poll(() => outcomes.length, patience).toBe(4 + 1 + 600);
  const numbers = source.requests.map(({ number }) => number);
  expect(numbers).not.toContain(50);
  expect(numbers).not.toContain(51);
  expect((await store.details("front/a-e1"))?.number).toBe(52);
});

test("the object is drawn as it is in the picture's frame, under the event's class, and all followed objects for an event about none", async () => {
  const found = (trackId: string, xMin: number) => ({
    classId: 1,
    className: "dog",
    score: 0.5,
    trackId,
    normalizedBox: { xMin, yMin: 0.5, xMax: 1, yMax: 1 },
  });
  detections.add(
    FrameDetections.fromPartial({
      frame: { camera: "cameras/front", epoch: "e1", number: 40 },
      detections: [found("abc-7", 0.25), found("abc-8", 0.5), found("", 0.75)],
    }),
  );
  taker.offer(event("a-e1", EventPhase.START, 40, 48));
  taker.offer({ ...event("a-e2", EventPhase.START, 40), track: undefined });
  await outcomesOf(2);
  const boxes = async (name: string) => (await store.details(name))?.boxes.map(({ label }) => label);
  expect(await boxes("front/a-e1")).toEqual(["person #7 50%"]);
  expect(await boxes("front/a-e2")).toEqual(["dog #7 50%", "dog #8 50%"]);
});

/** The number of the frame whose picture an event names once it is settled. */
async function settled(told: Event, age: Parameters<SnapshotClaims["settle"]>[1]) {
  await claims.settle(told, age);
  return told.snapshotFrame?.number;
}

test("an event of now names the picture that is about to be taken", async () => {
  expect(await settled(event("a", EventPhase.START, 40), "fresh")).toBe(40);
  expect(source.requests).toEqual([]);
});

test("one of an old frame names its picture if ingest still has the frame, and it is stored then", async () => {
  const told = event("a", EventPhase.START, 40);
  expect(await settled(told, "old")).toBe(40);
  expect((await store.details("front/a"))?.number).toBe(40);
  taker.offer(told);
  await taker.stop();
  expect(source.requests).toHaveLength(1);
});

test("one of a frame that is gone names none, and neither do those that follow until there is a better view", async () => {
  source.refusal = () => "gone";
  expect(await settled(event("a", EventPhase.START, 40), "old")).toBeUndefined();
  expect(await settled(event("b", EventPhase.ONCE, 40), "gone")).toBeUndefined();
  expect(source.requests).toHaveLength(1);
  expect(await settled(event("a", EventPhase.UPDATE, 40, 45), "fresh")).toBeUndefined();
  expect(await settled(event("a", EventPhase.UPDATE, 50), "fresh")).toBe(50);
});

test("one that names what is not there names the picture that it has", async () => {
  taker.offer(event("a", EventPhase.START, 40));
  await expect.poll(async () => (await store.details("front/a"))?.number, patience).toBe(40);
  const gone = event("a", EventPhase.UPDATE, 44);
  expect(await settled(gone, "gone")).toBe(40);
  expect(gone.snapshotScore).toBe(0.4);
  expect(await settled(event("a", EventPhase.END, 40, 60), "fresh")).toBe(40);
});

test("a picture of an event that was found to be published is taken unless it is there", async () => {
  taker.offer(event("a", EventPhase.ONCE, 40));
  await expect.poll(async () => (await store.details("front/a"))?.number, patience).toBe(40);
  taker.offer(event("a", EventPhase.ONCE, 40), true);
  taker.offer(event("b", EventPhase.ONCE, 41), true);
  await expect.poll(async () => (await store.details("front/b"))?.number, patience).toBe(41);
  expect(source.requests.map(({ number }) => number)).toEqual([40, 41]);
});
