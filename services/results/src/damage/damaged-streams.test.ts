import { Objm } from "@nats-io/obj";
import { AnalysisRig, sceneRules } from "@sightline/analysis-service/testing";
import {
  buckets,
  EndReason,
  type Event,
  EventPhase,
  encodeJson,
  type HttpSystem,
  readyStream,
  snapshotStore,
  streams,
  subjects,
} from "@sightline/contracts";
import { type Nats, unreadableEnd } from "@sightline/service";
import { type NatsServer, sampleCamera } from "@sightline/service/testing";
import { afterEach, expect, test } from "vitest";
import { RunningResults } from "../testing/running-results.ts";
import { sampleFrame } from "../testing/sample-frames.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/**
 * Damages the newest that NATS stored of these streams. Returns the streams in which what it stores is lost from then on; newer servers cut
 * off what is damaged, so there are none.
 */
async function damage(server: NatsServer, nats: Nats, ...damaged: string[]): Promise<Set<string>> {
  await server.damage(...damaged);
  const answers = () => nats.manager.streams.info(streams.timeline).then(Boolean, () => false);
  await expect.poll(answers, { timeout: 30_000 }).toBe(true);
  const lost = await Promise.all(damaged.map((stream) => unreadableEnd(nats.manager, stream)));
  return new Set(damaged.filter((_, i) => lost[i] !== undefined));
}

/** The numbers of the frames that a subscriber gets from now on, and its gaps. */
async function numbersAndGaps(results: RunningResults): Promise<(number | "gap")[]> {
  const got: (number | "gap")[] = [];
  const abort = new AbortController();
  ends.push(async () => abort.abort());
  const opened = Promise.withResolvers<void>();
  const filter = { start: "newest" as const, includeEmpty: true, signal: abort.signal };
  void (async () => {
    for await (const event of results.client.detections.subscribe({ ...filter, onOpen: opened.resolve }))
      if (event.kind === "frame") got.push(event.frame.frame!.number);
      else if (event.kind === "gap") got.push("gap");
  })().catch(() => undefined);
  await opened.promise;
  return got;
}

test("a timeline that is damaged while results runs is made anew and said; subscribers get a gap, and frames after it that they have not had", {
  timeout: 180_000,
}, async () => {
  const results = await RunningResults.start();
  ends.push(() => results.stop());
  const got = await numbersAndGaps(results);
  for (let number = 1; number <= 30; number++) await results.publish(sampleFrame({ number }));
  await expect.poll(() => got.length, { timeout: 30_000 }).toBe(30);

  await results.nats.manager.streams.add(readyStream(1)).catch(() => undefined);
  await results.nats.jetstream.publish("ready.people.front", new Uint8Array(100));
  const lost = await damage(results.server, results.nats, streams.timeline, streams.ready);
  for (let number = 31; number <= 40; number++) await results.publish(sampleFrame({ number }));
  await expect.poll(() => got.at(-1), { timeout: 120_000 }).toBe(40);
  const gap = got.lastIndexOf("gap");
  expect(gap).toBeGreaterThanOrEqual(30);
  // What could still be read of the old timeline does not come again; all that could not does.
  const after = got.slice(gap + 1).map(Number);
  expect(after[0]).toBeGreaterThan(20);
  expect(after).toEqual(Array.from({ length: 41 - after[0]! }, (_, i) => after[0]! + i));
  const setAside = await results.metric('sightline_stream_set_aside_total{stream="TIMELINE"}');
  expect(setAside).toBe(lost.has(streams.timeline) ? 1 : undefined);
  expect(await results.metric('sightline_analysis_stalled{camera="front"}')).toBe(0);

  // A single token that is not there may have been taken; that the next is not there either is damage.
  const system = (await (await fetch(`http://${results.addresses.http}/api/v1/system`)).json()) as HttpSystem;
  expect(system.findings.filter(({ text }) => text.includes(streams.ready))).toEqual([]);
  const remade = () => results.metric('sightline_stream_set_aside_total{stream="READY"}');
  expect(await remade()).toBeUndefined();
  const offered = async () => {
    await results.nats.jetstream.publish("ready.people.front", new Uint8Array(100));
    return remade();
  };
  if (lost.has(streams.ready)) await expect.poll(offered, { timeout: 60_000 }).toBe(1);
});

test("a timeline that is gone while results runs is created again; subscribers get a gap and what comes after it", async () => {
  const results = await RunningResults.start();
  ends.push(() => results.stop());
  const got = await numbersAndGaps(results);
  await results.publish(sampleFrame({ number: 1 }));
  await expect.poll(() => got, { timeout: 30_000 }).toEqual([1]);
  // As if NATS or results had ended after it had deleted the damaged stream.
  await results.nats.manager.streams.delete(streams.timeline);
  await results.publish(sampleFrame({ number: 2 }));
  await expect.poll(() => got.at(-1)).toBe(2);
  expect(got).toContain("gap");
  expect(await results.metric('sightline_analysis_stalled{camera="front"}')).toBe(0);
});

test("results starts on a damaged timeline, is ready, and analyses", { timeout: 180_000 }, async () => {
  const rig = await AnalysisRig.start();
  ends.push(() => rig.stop());
  await rig.register("front");
  const before = await rig.process("results");
  await rig.publishScene("front", 30, 100);
  await expect.poll(() => rig.framesIn("front"), { timeout: 30_000 }).toBe(30);
  await before.signal("SIGKILL");
  const lost = await damage(rig.server, rig.nats, streams.timeline);
  await rig.expireLeases();
  const results = await rig.process("results");
  await rig.publishScene("front", 10, 100);
  const numbers = async () =>
    (await rig.timeline("front")).flatMap(({ entry: { entry } }) =>
      entry?.$case === "frame" ? entry.value.frame!.number : [],
    );
  // nats-server 2.9.10 crashes if it is asked for a message of a stream while it creates it: what is in the timeline is read afterwards.
  const remade = () => results.metric('sightline_stream_set_aside_total{stream="TIMELINE"}');
  if (lost.has(streams.timeline)) await expect.poll(remade, { timeout: 120_000 }).toBe(1);
  await expect.poll(async () => (await numbers()).at(-1), { timeout: 60_000 }).toBe(40);
  const [first = 0] = await numbers();
  if (lost.has(streams.timeline)) expect(first).toBeGreaterThan(20);
  else expect(first).toBe(1);
  expect(await numbers()).toEqual(Array.from({ length: 41 - first }, (_, i) => first + i));
  await expect.poll(() => results.metric('sightline_analysis_stalled{camera="front"}')).toBe(0);
  const ids = (await rig.events("front")).map(({ event }) => `${event.name} ${event.phase}`);
  expect(new Set(ids).size).toBe(ids.length);
});

test("events, dead letters, buckets and pictures that are damaged: what can be read goes on, the analysis with its open events, and the rest is named", {
  timeout: 240_000,
}, async () => {
  const rig = await AnalysisRig.start();
  ends.push(() => rig.stop());
  const pictures = `OBJ_${snapshotStore}`;
  const before = await rig.process("results");
  await rig.register("front", sceneRules());
  await rig.publishScene("front", 80, 40);
  await expect.poll(() => rig.framesIn("front"), { timeout: 60_000 }).toBe(80);
  // The newest of each is what is damaged.
  await rig.buckets.cameras.put("spare", encodeJson(sampleCamera()));
  const store = await new Objm(rig.nats.jetstream).open(snapshotStore);
  await store.putBlob({ name: "front/e1" }, new Uint8Array(1_000));
  for (let i = 0; i < 5; i++) await rig.nats.jetstream.publish(subjects.deadLetter("s"), new Uint8Array(100));
  const isOpen = ({ phase }: Event) => phase === EventPhase.START || phase === EventPhase.UPDATE;
  const newest = async () =>
    new Map((await rig.events("front")).map(({ event }) => [event.name, event])).values().toArray();
  const open = (await newest()).filter(isOpen).map(({ name }) => name);
  expect(open.length).toBeGreaterThan(2);
  await before.signal("SIGKILL");
  const bucketsDamaged = [`KV_${buckets.leases}`, `KV_${buckets.cameras}`];
  const all = [streams.events, streams.deadLetters, pictures, ...bucketsDamaged];
  const lost = await damage(rig.server, rig.nats, ...all);
  const results = await rig.process("results");
  // Leases expire by themselves, damaged or not.
  const remade = [streams.events, streams.deadLetters, `KV_${buckets.cameras}`];
  for (const stream of remade.filter((name) => lost.has(name)))
    await expect
      .poll(() => results.metric(`sightline_stream_set_aside_total{stream="${stream}"}`), { timeout: 60_000 })
      .toBeGreaterThan(0);
  await rig.publishScene("front", 120, 40);
  await expect.poll(() => rig.framesIn("front"), { timeout: 60_000 }).toBe(200);
  const ended = async () => (await newest()).filter(({ phase }) => phase === EventPhase.END);
  // Of what was open, all that did not end in the part that is lost.
  await expect
    .poll(async () => (await ended()).filter(({ name }) => open.includes(name)).length)
    .toBeGreaterThan(1);
  expect((await ended()).filter(({ endReason }) => endReason === EndReason.ANALYSIS_LOST)).toEqual([]);
  const told = (await rig.events("front")).map(({ event }) => `${event.name} ${event.revision}`);
  expect(new Set(told).size).toBe(told.length);
  expect(await rig.buckets.cameras.get("front")).not.toBeNull();
  const system = (await (await fetch(`http://${results.http}/api/v1/system`)).json()) as HttpSystem;
  const finding = expect.objectContaining({
    level: "error",
    fix: expect.stringContaining(`nats stream rm ${pictures}`),
  });
  expect(system.findings.some((each) => finding.asymmetricMatch(each))).toBe(lost.has(pictures));
});
