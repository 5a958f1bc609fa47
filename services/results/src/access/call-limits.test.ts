import { connect, type SightlineClient } from "@sightline/client";
import { createLogger, Lifecycle, loadConfig } from "@sightline/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { settings } from "../config.ts";
import type { ResultsAddresses } from "../results-service.ts";
import { RunningResults } from "../testing/running-results.ts";
import { startWithAnalysis } from "../with-analysis.ts";
import { networkOf } from "./caller-address.ts";

const password = "correct horse";
const log = createLogger("test", "fatal");
const life = new Lifecycle();
let results: RunningResults;
/** Of the same system, with a limit for addresses instead. */
let strict: ResultsAddresses;
let root: SightlineClient;
const clients: SightlineClient[] = [];

function connected(token?: string, address = results.addresses.grpc): SightlineClient {
  const client = connect(address, token === undefined ? {} : { token });
  clients.push(client);
  return client;
}

beforeAll(async () => {
  results = await RunningResults.start({
    SIGHTLINE_MAX_CALLS_PER_USER: "3",
    SIGHTLINE_MAX_STREAMS_PER_USER: "2",
    SIGHTLINE_MAX_SOCKETS_PER_USER: "1",
  });
  await results.client.access.createUser("root", { role: "admin", password });
  const { secret } = await connected().access.logIn("root", password);
  root = connected(secret);
  const config = loadConfig(settings, {
    SIGHTLINE_NATS_URL: results.server.url,
    SIGHTLINE_GRPC: "127.0.0.1:0",
    SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
    SIGHTLINE_MAX_CALLS_PER_ADDRESS: "3",
  });
  strict = await startWithAnalysis(config, log, life);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await life.stop(log);
  await results.stop();
});

const tokenOf = async (name: string) =>
  (await root.access.createToken(name, { alone: true, role: "viewer" })).secret;

/** What a hundred calls at once end with; of these no more than thirty a window may pass. */
async function hundred<T>(call: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: 100 }, call));
}

test("a token that calls too often is refused over gRPC and HTTP alike, told why and for how long; others go on", async () => {
  const token = await tokenOf("busy");
  const busy = connected(token);
  const outcomes = await hundred(() =>
    busy.cameras.get("none").then(
      () => undefined,
      (error: { reason: string; code: string; message: string }) => error,
    ),
  );
  expect(outcomes.filter((each) => each?.reason === "camera_not_found").length).toBeGreaterThan(0);
  const refused = outcomes.find((each) => each?.reason === "too_many_calls");
  expect(refused?.code).toBe("RESOURCE_EXHAUSTED");
  expect(refused?.message).toMatch(
    /'busy' .* 3 calls a second \(SIGHTLINE_MAX_CALLS_PER_USER\); try again in \d+ s/,
  );
  const headers = { authorization: `Bearer ${token}` };
  const answers = await hundred(() => fetch(`http://${results.addresses.http}/api/v1/cameras`, { headers }));
  const late = answers.find(({ status }) => status === 429)!;
  expect(Number(late.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await late.json()).toMatchObject({ code: "too_many_calls" });
  await expect(connected(await tokenOf("calm")).cameras.get("none")).rejects.toMatchObject({
    reason: "camera_not_found",
  });
});

test("an address that calls too often is refused before it is looked who calls; health is not", async () => {
  const answers = await hundred(() => fetch(`http://${strict.http}/api/v1/auth`));
  expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
  const nobody = connected("slt_000000000000_wrong", strict.grpc);
  const reasons = await hundred(() =>
    nobody.cameras.get("none").then(
      () => undefined,
      (error: { reason: string }) => error.reason,
    ),
  );
  expect(reasons).toContain("too_many_calls");
  const health = await hundred(() => fetch(`http://${strict.http}/readyz`));
  expect(health.every(({ status }) => status === 200)).toBe(true);
});

test("streams and live connections of one token are bounded, and a place is free again when one ends", async () => {
  const token = await tokenOf("many");
  const client = connected(token);
  const open = async () => {
    const opened = Promise.withResolvers<void>();
    const abort = new AbortController();
    const ended = (async () => {
      const options = { reconnect: false, signal: abort.signal, onOpen: () => opened.resolve() };
      for await (const _ of client.detections.subscribe(options));
    })();
    await Promise.race([opened.promise, ended]);
    return { abort, ended };
  };
  const first = await open();
  await open();
  await expect(open()).rejects.toMatchObject({
    code: "RESOURCE_EXHAUSTED",
    reason: "too_many_streams",
    message: expect.stringContaining("SIGHTLINE_MAX_STREAMS_PER_USER"),
  });
  first.abort.abort();
  await first.ended.catch(() => undefined);
  await expect
    .poll(() =>
      open().then(
        () => "open",
        ({ reason }) => reason,
      ),
    )
    .toBe("open");

  const headers = { authorization: `Bearer ${await tokenOf("browser")}` };
  const connection = () => new WebSocket(`ws://${results.addresses.http}/api/v1/live`, { headers });
  const socket = connection();
  await new Promise((resolve) => socket.once("open", resolve));
  const refused = await new Promise<number | undefined>((resolve) =>
    connection().once("unexpected-response", (_request, { statusCode }) => resolve(statusCode)),
  );
  expect(refused).toBe(429);
  socket.close();
});

test("a message that is too large ends its WebSocket, and one over gRPC or HTTP is refused", async () => {
  const token = await tokenOf("large");
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`ws://${results.addresses.http}/api/v1/live`, { headers });
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send("x".repeat(64 * 1024 + 1));
  expect(await closed).toBe(1009);
  const answer = await fetch(`http://${results.addresses.http}/api/v1/tokens`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ name: "x".repeat(200 * 1024) }),
  });
  expect(answer.status).toBe(413);
  const call = connected(token).access.createToken("x".repeat(1_100_000));
  await expect(call).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
});

test("what was refused is counted by reason", async () => {
  const { secret } = await root.access.createToken("metrics", { alone: true, role: "viewer" });
  const answer = await fetch(`http://${results.addresses.http}/metrics`, {
    headers: { authorization: `Bearer ${secret}` },
  });
  const text = await answer.text();
  for (const reason of ["too_many_calls", "too_many_streams", "too_many_sockets", "body_too_large"])
    expect(text).toMatch(new RegExp(`sightline_calls_refused_total\\{reason="${reason}"\\} [1-9]`));
});

test("an IPv6 address is counted with its network", () => {
  expect(networkOf("2001:db8:1:2:3:4:5:6")).toBe(networkOf("2001:db8:1:2::9"));
  expect(networkOf("2001:db8:1:3::9")).not.toBe(networkOf("2001:db8:1:2::9"));
  expect(networkOf("::ffff:192.0.2.1")).toBe("192.0.2.1");
});
