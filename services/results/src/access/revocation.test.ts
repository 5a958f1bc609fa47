import { connect, type SightlineClient, SightlineError } from "@sightline/client";
import { liveCloseCodes } from "@sightline/contracts";
import { createLogger, Lifecycle, loadConfig } from "@sightline/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { settings } from "../config.ts";
import type { ResultsAddresses } from "../results-service.ts";
import { RunningResults } from "../testing/running-results.ts";
import { sampleFrame } from "../testing/sample-frames.ts";
import { startWithAnalysis } from "../with-analysis.ts";

const password = "correct horse";
const log = createLogger("test", "fatal");
let results: RunningResults;
/** A second results process on the same NATS. */
let second: ResultsAddresses;
const secondLife = new Lifecycle();
let root: SightlineClient;
const clients: SightlineClient[] = [];

function withToken(token: string, address = results.addresses.grpc): SightlineClient {
  const client = connect(address, { token });
  clients.push(client);
  return client;
}

beforeAll(async () => {
  results = await RunningResults.start();
  await results.client.access.createUser("root", { role: "admin", password });
  const { secret } = await connectOnce((client) => client.access.logIn("root", password));
  root = withToken(secret);
  const config = loadConfig(settings, {
    SIGHTLINE_NATS_URL: results.server.url,
    SIGHTLINE_GRPC: "127.0.0.1:0",
    SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
  });
  second = await startWithAnalysis(config, log, secondLife);
  for (const camera of ["yard-1", "front"]) await results.register(camera);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await secondLife.stop(log);
  await results.stop();
});

async function connectOnce<R>(task: (client: SightlineClient) => Promise<R>): Promise<R> {
  const client = connect(results.addresses.grpc);
  try {
    return await task(client);
  } finally {
    client.close();
  }
}

/** A stream that is open, and how it ends. */
async function openStream(client: SightlineClient, reconnect = false) {
  const opened = Promise.withResolvers<void>();
  const frames: string[] = [];
  const reasons: (string | undefined)[] = [];
  const ended = (async () => {
    const subscription = client.detections.subscribe({
      includeEmpty: true,
      reconnect,
      onOpen: () => opened.resolve(),
      onStatus: (status) => {
        if (status.state === "waiting") reasons.push(status.reason.reason);
      },
    });
    for await (const message of subscription)
      if (message.kind === "frame") frames.push(message.frame.frame!.camera);
  })().catch((error: unknown) => SightlineError.from(error));
  await opened.promise;
  return { ended, frames, reasons };
}

test("a token that is revoked ends streams and sockets that were opened with it, also at another results process", async () => {
  const { secret, token } = await root.access.createToken("app");
  const streams = await Promise.all(
    [results.addresses.grpc, second.grpc].map((address) => openStream(withToken(secret, address))),
  );
  const socket = new WebSocket(`ws://${second.http}/api/v1/live`, {
    headers: { authorization: `Bearer ${secret}` },
  });
  await new Promise((resolve) => socket.once("open", resolve));
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  await root.access.deleteToken(token.name.replace("tokens/", ""));
  for (const { ended } of streams)
    expect(await ended).toMatchObject({ code: "UNAUTHENTICATED", reason: "unauthenticated" });
  expect(await closed).toBe(liveCloseCodes.unauthenticated);
});

test("a user whose cameras change goes on with the new ones, as the client connects again", async () => {
  await root.access.createUser("vera", { role: "viewer", cameras: ["front"], password });
  const { secret } = await connectOnce((client) => client.access.logIn("vera", password));
  const { frames, reasons } = await openStream(withToken(secret), true);
  let number = 0;
  const publish = async () => {
    number++;
    for (const camera of ["yard-1", "front"]) await results.publish(sampleFrame({ camera, number }));
  };
  await publish();
  await expect.poll(() => frames.at(-1)).toBe("cameras/front");
  expect(new Set(frames)).toEqual(new Set(["cameras/front"]));
  await root.access.updateUser("vera", { cameras: ["yard-*"] });
  await expect.poll(() => reasons).toContain("access_changed");
  await expect
    .poll(async () => {
      await publish();
      return frames.at(-1);
    })
    .toBe("cameras/yard-1");
  const before = frames.length;
  await publish();
  await expect.poll(() => frames.length).toBeGreaterThan(before);
  expect(new Set(frames.slice(before))).toEqual(new Set(["cameras/yard-1"]));
});

test("who is bound to a label sees the cameras that have it now, also at another results process", async () => {
  for (const [id, site] of Object.entries({ gate: "north", vault: "south" }))
    await root.cameras.register(id, { uri: "rtsp://cam/x", labels: { site } });
  await root.access.createUser("nora", { role: "operator", cameras: ["site=north"], password });
  const { secret } = await connectOnce((client) => client.access.logIn("nora", password));
  const nora = withToken(secret, second.grpc);
  const seen = async () =>
    (await Array.fromAsync(nora.cameras.list())).map(({ name }) => name.replace("cameras/", ""));
  await expect.poll(seen).toEqual(["gate"]);
  const { frames, reasons } = await openStream(nora, true);
  let number = 0;
  const publish = async () => {
    number++;
    for (const camera of ["gate", "vault"]) await results.publish(sampleFrame({ camera, number }));
    return new Set(frames);
  };
  await expect.poll(publish).toEqual(new Set(["cameras/gate"]));

  await root.cameras.update("vault", { labels: { site: "north", floor: "2" } });
  await expect.poll(() => reasons).toContain("access_changed");
  await expect.poll(publish).toEqual(new Set(["cameras/gate", "cameras/vault"]));
  expect(await seen()).toEqual(["gate", "vault"]);

  // She may not change it so that she would not see it any more; the camera stays as it was.
  await expect(nora.cameras.update("vault", { labels: {} })).rejects.toMatchObject({
    code: "PERMISSION_DENIED",
  });
  expect((await nora.cameras.update("vault", { targetFps: 2 })).labels).toEqual({
    site: "north",
    floor: "2",
  });
  // Nor make one: what was kept under its name may be of a camera that she never saw.
  const labelled = { uri: "rtsp://cam/x", labels: { site: "north" } };
  for (const id of ["new", "front"])
    await expect(nora.cameras.register(id, labelled)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });

  await root.cameras.update("vault", { labels: { site: "south" } });
  await expect.poll(seen).toEqual(["gate"]);
  await expect.poll(() => reasons.length).toBe(2);
  frames.length = 0;
  await expect.poll(publish).toEqual(new Set(["cameras/gate"]));
  await expect(nora.cameras.get("vault")).rejects.toMatchObject({ code: "NOT_FOUND" });
  await root.cameras.delete("gate");
  await expect.poll(seen).toEqual([]);
});

test("a label that no camera has shows nothing, also beside one who sees all, until a camera has it", async () => {
  await root.access.createUser("wes", { role: "viewer", cameras: ["site=west"], password });
  const { secret } = await connectOnce((client) => client.access.logIn("wes", password));
  const all = (await root.access.createToken("all")).secret;
  const headers = (token: string) => ({ authorization: `Bearer ${token}` });
  const told = { wes: [] as string[], all: [] as string[] };
  const open = async (name: keyof typeof told, token: string) => {
    const socket = new WebSocket(`ws://${second.http}/api/v1/live`, { headers: headers(token) });
    socket.on("message", (data, isBinary) => !isBinary && told[name].push(String(data)));
    await new Promise((resolve) => socket.once("open", resolve));
    return socket;
  };
  const [socket, other] = [await open("wes", secret), await open("all", all)];
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  await results.publish(sampleFrame({ camera: "yard-1", number: 500 }));
  await expect.poll(() => told.all.join()).toContain("yard-1");
  const wes = withToken(secret, second.grpc);
  expect(await Array.fromAsync(wes.cameras.list())).toEqual([]);
  await expect(wes.cameras.get("yard-1")).rejects.toMatchObject({ code: "NOT_FOUND" });
  const metrics = async () =>
    (await fetch(`http://${second.http}/metrics`, { headers: headers(secret) })).text();
  expect(await metrics()).not.toMatch(/camera="/);
  expect(told.wes.join()).not.toMatch(/yard-1|front|vault/);

  await root.cameras.register("quay", { uri: "rtsp://cam/x", labels: { site: "west" } });
  expect(await closed).toBe(liveCloseCodes.accessChanged);
  await expect
    .poll(async () => (await Array.fromAsync(wes.cameras.list())).map(({ name }) => name))
    .toEqual(["cameras/quay"]);
  other.close();
});

test("what was opened with a token ends when the token expires", async () => {
  const { secret } = await root.access.createToken("short", { expireTime: new Date(Date.now() + 1_500) });
  const { ended } = await openStream(withToken(secret));
  expect(await ended).toMatchObject({ code: "UNAUTHENTICATED" });
  await expect(withToken(secret).cameras.get("front")).rejects.toMatchObject({ reason: "unauthenticated" });
});

test("many calls at once with a token that is not known yet are one check of it", async () => {
  const { secret } = await root.access.createToken("crowd");
  const client = withToken(secret, second.grpc);
  const calls = Array.from({ length: 400 }, () => client.cameras.get("front"));
  expect(await Promise.all(calls)).toHaveLength(400);
});

test("an old client, which has no token, is told what is missing", async () => {
  await expect(connectOnce((client) => client.cameras.get("front"))).rejects.toMatchObject({
    code: "UNAUTHENTICATED",
    reason: "unauthenticated",
    message: expect.stringContaining("SIGHTLINE_TOKEN"),
  });
});

test("a thousand wrong passwords do not lock the right user out elsewhere, and cost no thousand hashes", async () => {
  await root.access.createUser("tom", { role: "viewer", password });
  const reasons: (string | undefined)[] = [];
  // Not all at once: on a busy machine the last of them would wait longer than a call may take.
  while (reasons.length < 1_000) {
    const guess = () => connectOnceError((client) => client.access.logIn("tom", "wrong wrong"));
    reasons.push(...(await Promise.all(Array.from({ length: 50 }, guess))));
  }
  const evaluated = reasons.filter((reason) => reason === "wrong_credentials").length;
  // Five, and one after each wait, which doubles: however long the thousand take here, that is not many.
  expect(evaluated).toBeGreaterThanOrEqual(5);
  expect(evaluated).toBeLessThan(15);
  expect(reasons.filter((reason) => reason === "too_many_attempts")).toHaveLength(1_000 - evaluated);
  // From another address: the second process has its own count, as another machine would.
  const elsewhere = connect(second.grpc);
  clients.push(elsewhere);
  expect((await elsewhere.access.logIn("tom", password)).secret).toMatch(/^slt_/);
});

const guesser = () => (shared ??= connect(results.addresses.grpc));
let shared: SightlineClient | undefined;
async function connectOnceError(task: (client: SightlineClient) => Promise<unknown>) {
  const client = guesser();
  if (!clients.includes(client)) clients.push(client);
  return task(client).then(
    () => "ok",
    (error: unknown) => SightlineError.from(error).reason,
  );
}
