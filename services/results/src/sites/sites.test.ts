import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectClient, type NatsConnection, nkeys } from "@nats-io/transport-node";
import { connect } from "@sightline/client";
import {
  Event,
  EventPhase,
  encodeJson,
  type HttpSystem,
  siteDenials,
  siteLeafPermissions,
  siteReaderPermissions,
  streams,
  subjects,
} from "@sightline/contracts";
import {
  connectNats,
  createLogger,
  Lifecycle,
  loadConfig,
  type Nats,
  openBuckets,
  SnapshotStore,
} from "@sightline/service";
import { freePort, NatsServer, sampleCamera } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { settings } from "../config.ts";
import type { ResultsAddresses } from "../results-service.ts";
import { CuttableLink } from "../testing/cuttable-link.ts";
import { Collector, span } from "../testing/event-collector.ts";
import { FeedClient } from "../testing/feed-client.ts";
import { sampleEvent } from "../testing/running-feeds.ts";
import { startWithAnalysis } from "../with-analysis.ts";

const log = createLogger("test", "fatal");
const domain = (directory: string, name: string, users: readonly string[] = []) =>
  [
    `server_name: ${name}`,
    `jetstream { store_dir: "${join(directory, "jetstream")}", domain: ${name} }`,
    `authorization { users: [ ${["{ user: main, password: main }", ...users].join("\n")} ] }`,
  ].join("\n");
const permissions = ({ publish, subscribe }: { publish: readonly string[]; subscribe: readonly string[] }) =>
  `permissions: { publish: ${JSON.stringify(publish)}, subscribe: ${JSON.stringify(subscribe)} }`;
const asMain = ({ url }: NatsServer) => url.replace("nats://", "nats://main:main@");

const patience = { timeout: 60_000, interval: 100 };
const kept = { maxAgeSeconds: 3600, maxBytes: 64 * 1024 ** 2, replicas: 1 };
const sites = ["north", "south"] as const;
type Site = (typeof sites)[number];
let keys: string;
let centre: NatsServer;
const links = {} as Record<Site, CuttableLink>;
const servers = {} as Record<Site, NatsServer>;
const nats = {} as Record<Site, Nats>;
const lives: Lifecycle[] = [];
let client: FeedClient;
/** Of the centre's results. */
let grpc: string;
let http: string;
/** A client at the centre that its own NATS server lets do everything. */
let prying: NatsConnection;

async function results(server: NatsServer, more: NodeJS.ProcessEnv = {}): Promise<ResultsAddresses> {
  const life = new Lifecycle();
  lives.push(life);
  const own = {
    SIGHTLINE_NATS_URL: asMain(server),
    SIGHTLINE_GRPC: "127.0.0.1:0",
    SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
  };
  return startWithAnalysis(loadConfig(settings, { ...own, ...more }), log, life);
}

beforeAll(async () => {
  keys = mkdtempSync(join(tmpdir(), "sightline-sites-"));
  const leafPort = await freePort();
  for (const site of sites) links[site] = await CuttableLink.start(leafPort);
  const users = sites.flatMap((site) => {
    const pair = nkeys.createUser();
    writeFileSync(join(keys, `${site}.nk`), new TextDecoder().decode(pair.getSeed()), { mode: 0o600 });
    const leaf = `{ user: ${site}, password: secret, allowed_connection_types: [LEAFNODE], ${permissions(siteLeafPermissions(site))} }`;
    const reader = `{ nkey: ${pair.getPublicKey()}, ${permissions(siteReaderPermissions(site))} }`;
    return [leaf, reader];
  });
  centre = await NatsServer.start(
    (directory) =>
      `${domain(directory, "centre", users)}
leafnodes { listen: "127.0.0.1:${leafPort}", advertise: "127.0.0.1:${links.north.port}" }`,
  );
  for (const site of sites) {
    const denied = siteDenials(site);
    const remote = `{ url: "nats-leaf://${site}:secret@127.0.0.1:${links[site].port}", deny_exports: ${JSON.stringify(denied.exports)}, deny_imports: ${JSON.stringify(denied.imports)} }`;
    servers[site] = await NatsServer.start(
      (directory) => `${domain(directory, site)}\nleafnodes { reconnect: 1, remotes: [ ${remote} ] }`,
    );
    await results(servers[site]);
    nats[site] = await connectNats(asMain(servers[site]), "test", log);
  }
  const addresses = await results(centre, { SIGHTLINE_SITES_DIRECTORY: keys });
  ({ grpc, http } = addresses);
  client = new FeedClient(grpc);
  prying = await connectClient({ servers: centre.url, user: "main", pass: "main" });
});
afterAll(async () => {
  client?.close();
  await prying?.close();
  for (const site of sites) await nats[site]?.connection.close();
  for (const life of lives.reverse()) await life.stop(log);
  for (const server of [centre, ...Object.values(servers)]) await server?.stop();
  for (const link of Object.values(links)) link.cut();
  rmSync(keys, { recursive: true, force: true });
});

/** As the analysis at a site tells an event. */
async function tell(
  site: Site,
  id: string,
  revision: number,
  startTime = Date.now(),
  camera = "door",
): Promise<void> {
  const phase = revision === 1 ? EventPhase.START : EventPhase.UPDATE;
  const event = sampleEvent({ camera, id, revision, phase, startTime });
  const recorded = Event.encode({ ...event, hasClip: true }).finish();
  await nats[site].jetstream.publish(subjects.event(camera, id), recorded);
}

const told = (collector: Collector, camera: string) =>
  collector.got.flatMap((each) => {
    if (each.kind !== "event" || !each.event.name.startsWith(`cameras/${camera}/`)) return [];
    return `${each.event.name.split("/").at(-1)} ${each.event.revision}`;
  });

test("what happens at sites is told at the centre once and in order, also what happened while the link was cut", async () => {
  const live = new Collector(client.events({ start: "beginning" }));
  await tell("north", "e1", 1);
  await tell("south", "e1", 1);
  await vi.waitFor(() => expect(live.got).toHaveLength(2), 60_000);
  links.north.cut();
  // An hour of it: 1,200 messages about 400 events, more than is read at a time.
  const expected = ["e1 1"];
  for (const number of span(1, 400)) {
    const startTime = Date.now() - 3_600_000 + number * 9_000;
    for (const revision of span(1, 3)) {
      await tell("north", `hour${number}`, revision, startTime);
      expected.push(`hour${number} ${revision}`);
    }
  }
  // Of a camera whose name is too long at the centre, and of none: passed over, not stumbled over.
  const long = sampleEvent({ camera: "a".repeat(63), id: "e1" });
  for (const data of [Event.encode(long).finish(), new Uint8Array([255])])
    await nats.south.jetstream.publish(subjects.event("a".repeat(63), "e1"), data);
  await tell("south", "e1", 2);
  await vi.waitFor(() => expect(told(live, "south-door")).toEqual(["e1 1", "e1 2"]), 60_000);
  expect(told(live, "north-door")).toEqual(["e1 1"]);
  await links.north.join();
  await vi.waitFor(() => expect(told(live, "north-door")).toHaveLength(expected.length), {
    timeout: 40_000,
    interval: 100,
  });
  expect(told(live, "north-door")).toEqual(expected);
  const { events } = await client.listEvents({ filter: { cameras: ["cameras/north-door"] }, pageSize: 1000 });
  expect(new Set(events.map(({ name }) => name)).size).toBe(401);
  // Video stays at the site.
  expect(events.filter(({ hasClip }) => hasClip)).toEqual([]);
});

test("pictures come along, the newest of each event, and go when they are deleted at the site", async () => {
  const atSite = await SnapshotStore.open(nats.north, kept);
  const hub = await connectNats(asMain(centre), "test", log);
  const atCentre = await SnapshotStore.open(hub, kept);
  const details = (number: number) => ({
    ...{ epoch: "a", number, captureTimeMs: 1, ptsUs: 1, width: 4, height: 4, boxes: [] },
  });
  const numberAt = async (key: string) => (await atCentre.get(key))?.details.number;
  await atSite.put("door/e1", Buffer.from("a picture"), details(1));
  await vi.waitFor(async () => expect(await numberAt("north-door/e1")).toBe(1), 60_000);
  links.north.cut();
  await atSite.put("door/e1", Buffer.from("a better one"), details(2));
  await atSite.put("door/e2", Buffer.from("another"), details(3));
  await links.north.join();
  await vi.waitFor(async () => expect(await numberAt("north-door/e2")).toBe(3), 60_000);
  const better = await atCentre.get("north-door/e1");
  expect(Buffer.from(better!.jpeg).toString()).toBe("a better one");
  await atSite.delete("door/e1");
  await vi.waitFor(async () => expect(await numberAt("north-door/e1")).toBeUndefined(), 60_000);
  await hub.connection.close();
});

test("nothing but events and their pictures can be had from a site, whatever the centre asks", async () => {
  const heard: string[] = [];
  const listening = prying.subscribe(">", { callback: (_error, { subject }) => void heard.push(subject) });
  await prying.flush();
  // Frames go by request, to the inbox of a worker; tokens and results are published.
  for (const subject of [
    "frames.get.door",
    "_INBOX.inference.x",
    "ready.m.door",
    "detections.door",
    "timeline.door",
  ])
    nats.north.connection.publish(subject, new Uint8Array(100_000));
  nats.north.connection.subscribe("frames.get.*", {
    callback: (_error, message) => void message.respond("a frame"),
  });
  await nats.north.connection.flush();
  const before = links.north.sent;
  const ask = (subject: string, text = "") => prying.request(subject, text, { timeout: 1_000 });
  await expect(ask("frames.get.door")).rejects.toThrow();
  await expect(ask("$JS.north.API.STREAM.MSG.GET.KV_access", '{"seq":1}')).rejects.toThrow();
  await expect(ask("$JS.north.API.STREAM.DELETE.EVENTS")).rejects.toThrow();
  // Nor has a site anything of another site, or of the centre.
  for (const other of ["south", "centre"])
    await expect(
      nats.north.connection.request(`$JS.${other}.API.STREAM.INFO.EVENTS`, "", { timeout: 1_000 }),
    ).rejects.toThrow();
  expect(
    heard.filter((subject) => /^(frames|ready|detections|timeline|_INBOX\.inference)/.test(subject)),
  ).toEqual(["frames.get.door"]);
  expect(links.north.sent - before).toBeLessThan(50_000);
  listening.unsubscribe();
});

/** What the centre's system page, and its metrics, tell of the site north. */
async function toldOfNorth() {
  const { sites: all } = (await (await fetch(`http://${http}/api/v1/system`)).json()) as HttpSystem;
  const metrics = await (await fetch(`http://${http}/metrics`)).text();
  const metric = (name: string) =>
    metrics.match(new RegExp(`^sightline_site_${name}{site="north"} (.*)$`, "m"))?.[1];
  const { silentSeconds: _, ...site } = all.find(({ name }) => name === "north")!;
  return { ...site, metrics: [metric("up"), metric("pending_messages")] };
}

test("whether a site is heard, and what of it is still to come, is told", async () => {
  const fine = { name: "north", up: true, pending: 0, clash: null, failure: null, metrics: ["1", "0"] };
  await expect.poll(toldOfNorth, patience).toEqual(fine);
  links.north.cut();
  const cut = { ...fine, up: false, pending: null, metrics: ["0", undefined] };
  await expect.poll(toldOfNorth, patience).toEqual(cut);
  await links.north.join();
  await expect.poll(toldOfNorth, patience).toEqual(fine);
});

test("what the centre cannot store is told by its reason, and comes when it can", async () => {
  const hub = await connectNats(asMain(centre), "test", log);
  onTestFinished(() => hub.connection.close());
  const { config } = await hub.manager.streams.info(streams.events);
  await hub.manager.streams.update(streams.events, { ...config, max_msg_size: 10 });
  await tell("north", "large", 1);
  await expect
    .poll(toldOfNorth, patience)
    .toMatchObject({ up: false, failure: expect.stringMatching(/size/), metrics: ["0", undefined] });
  await hub.manager.streams.update(streams.events, { ...config, max_msg_size: -1 });
  await expect.poll(toldOfNorth, patience).toMatchObject({ up: true, failure: null, pending: 0 });
  const { events } = await client.listEvents({ filter: { cameras: ["cameras/north-door"] } });
  expect(events[0]?.name).toBe("cameras/north-door/events/large");
});

test("a camera of the centre gets no name that one of a site may have; where it has one, the site waits until it is gone", async () => {
  const cameras = connect(grpc);
  onTestFinished(() => cameras.close());
  const uri = "rtsp://127.0.0.1:1/x";
  await expect(cameras.cameras.register("north-gate", { uri })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining("take a name that does not begin with 'north-'"),
  });
  await cameras.cameras.register("northern-gate", { uri });
  // As one that was there before the site.
  const hub = await connectNats(asMain(centre), "test", log);
  onTestFinished(() => hub.connection.close());
  const own = (await openBuckets(hub.kv)).cameras;
  await own.create("north-gate", encodeJson(sampleCamera()));

  const live = new Collector(client.events({ start: "beginning" }));
  await tell("north", "g1", 1, Date.now(), "gate");
  await tell("north", "later", 1);
  await expect.poll(toldOfNorth, patience).toMatchObject({ up: false, clash: "north-gate" });
  expect(told(live, "north-gate")).toEqual([]);
  expect(told(live, "north-door")).not.toContain("later 1");
  await cameras.cameras.delete("north-gate");
  await expect.poll(() => told(live, "north-gate"), patience).toEqual(["g1 1"]);
  await expect.poll(() => told(live, "north-door"), patience).toContain("later 1");
  expect(await toldOfNorth()).toMatchObject({ clash: null });
});
