import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { type SnapshotDetails, SnapshotStore } from "./snapshot-store.ts";
import { NatsServer } from "./testing/index.ts";

const stream = "OBJ_snapshots";
const kept = { maxAgeSeconds: 3600, maxBytes: 1_000_000, replicas: 1 };

let server: NatsServer;
let nats: Nats;
let store: SnapshotStore;

beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", createLogger("test", "fatal"));
});

beforeEach(async () => {
  store = await SnapshotStore.open(nats, kept);
  await nats.manager.streams.purge(stream);
});

afterAll(async () => {
  await nats?.connection.close();
  await server?.stop();
});

function details(number: number): SnapshotDetails {
  const box = { xMin: 0.1, yMin: 0.2, xMax: 0.3, yMax: 0.4 };
  return {
    epoch: "epoch",
    number,
    captureTimeMs: 1_700_000_000_000.25,
    ptsUs: -5,
    width: 640,
    height: 360,
    boxes: [{ classId: 0, label: "person #1 90%", box }],
  };
}

/** So many bytes of the same value. */
const bytes = (count: number, value: number) => new Uint8Array(count).fill(value);

async function stored(names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(names.map(async (name) => ((await store.get(name)) ? name : undefined)));
  return found.filter((name) => name !== undefined);
}

test("a picture is kept with its details, and a later one takes its place", async () => {
  expect(await store.get("front/a-e1")).toBeUndefined();
  expect(await store.details("front/a-e1")).toBeUndefined();
  await store.put("front/a-e1", bytes(300_000, 1), details(1));
  expect(await store.get("front/a-e1")).toEqual({ details: details(1), jpeg: bytes(300_000, 1) });
  await store.put("front/a-e1", bytes(70_000, 2), details(2));
  const { jpeg, details: second } = (await store.get("front/a-e1"))!;
  expect(second).toEqual(details(2));
  expect(Buffer.compare(jpeg, bytes(70_000, 2))).toBe(0);
  // Nothing is left of the first.
  expect(await store.bytes()).toBeLessThan(72_000);
});

test("the oldest make room for the newest, and the store stays within its bytes", async () => {
  const names = Array.from({ length: 60 }, (_, i) => `front/a-e${i}`);
  for (const [i, name] of names.entries()) {
    await store.put(name, bytes(50_000, i), details(i + 1));
    expect(await store.bytes()).toBeLessThanOrEqual(kept.maxBytes);
  }
  const left = await stored(names);
  expect(left.length).toBeGreaterThanOrEqual(14);
  expect(left).toEqual(names.slice(-left.length));
});

test("a sweep removes nothing while there is room, and the oldest before the store is full", async () => {
  const names = Array.from({ length: 19 }, (_, i) => `front/b-e${i}`);
  for (const name of names.slice(0, 10)) await store.put(name, bytes(50_000, 1), details(1));
  expect(await store.sweep()).toBe(await store.bytes());
  expect(await stored(names)).toHaveLength(10);
  // A picture that was replaced is as new as its replacement.
  await store.put(names[0]!, bytes(50_000, 2), details(2));
  for (const name of names.slice(10)) await store.put(name, bytes(50_000, 1), details(1));
  const after = await store.sweep();
  expect(after).toBeLessThanOrEqual(0.86 * kept.maxBytes);
  expect(after).toBe(await store.bytes());
  const left = await stored(names);
  expect(left.length).toBeGreaterThanOrEqual(16);
  expect(left).toEqual([names[0], ...names.slice(-(left.length - 1))]);
});

test("what a process left behind when it died is swept away with what is as old", async () => {
  for (let i = 0; i < 10; i++) await nats.jetstream.publish("$O.snapshots.C.orphan", bytes(50_000, 9));
  const names = Array.from({ length: 12 }, (_, i) => `front/c-e${i}`);
  for (const name of names) await store.put(name, bytes(50_000, 1), details(1));
  const left = await stored(names);
  expect(left.length).toBeGreaterThanOrEqual(8);
  expect(left).toEqual(names.slice(-left.length));
  const { subjects } = (await nats.manager.streams.info(stream, { subjects_filter: "$O.snapshots.C.orphan" }))
    .state;
  expect(subjects).toBeUndefined();
});

test("a picture too large for an answer is refused", async () => {
  await expect(store.put("front/d-e1", bytes(1024 * 1024 + 1, 1), details(1))).rejects.toMatchObject({
    code: "picture_too_large",
  });
  expect(await store.bytes()).toBe(0);
});

test("pictures are gone when they are old, by the age in force when the store was last opened", async () => {
  await store.put("front/e-e1", bytes(1_000, 1), details(1));
  await SnapshotStore.open(nats, { ...kept, maxAgeSeconds: 1 });
  await expect.poll(() => store.get("front/e-e1")).toBeUndefined();
  // What is kept with it was stored a moment after its content, and goes so much later.
  await expect.poll(() => store.bytes()).toBe(0);
});

test("a store that NATS has lost is made anew by the next sweep", async () => {
  await nats.manager.streams.delete(stream);
  expect(await store.sweep()).toBe(0);
  await store.put("front/f-e1", bytes(1_000, 1), details(1));
  expect((await store.get("front/f-e1"))?.details).toEqual(details(1));
  expect((await nats.manager.streams.info(stream)).config.max_bytes).toBe(kept.maxBytes);
});
