import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type SightlineClient } from "@sightline/client";
import { EventPhase, EventType } from "@sightline/contracts";
import { writeServiceToken } from "@sightline/service";
import { freePort } from "@sightline/service/testing";
import { ResultsProcess } from "@sightline/stack/testing";
import { Webhook as Verifier } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { BridgesProcess } from "../testing/bridges-process.ts";
import { EventSource } from "../testing/event-source.ts";
import { makeCertificates } from "../testing/mosquitto.ts";
import { accept, type Behaviour, failUntil, Receiver, type ReceiverOptions } from "../testing/receiver.ts";

const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
const oldSecret = `whsec_${Buffer.alloc(32, 2).toString("base64")}`;

const password = "correct horse";
/** Of the token and the password: results has users, and the bridges call with their token. */
let directory: string;
let tokenFile: string;
let results: ResultsProcess;
let events: EventSource;
let client: SightlineClient;
const open: (() => Promise<unknown>)[] = [];
let lastNumber = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sightline-webhooks-"));
  tokenFile = join(directory, "bridges.token");
  writeServiceToken(tokenFile, "bridges");
  const passwordFile = join(directory, "admin-password");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  results = await ResultsProcess.start({
    SIGHTLINE_BRIDGES_TOKEN_FILE: tokenFile,
    SIGHTLINE_ADMIN_PASSWORD_FILE: passwordFile,
  });
  events = await EventSource.connect(results.nats.url);
  const anybody = connect(results.address);
  const { secret: token } = await anybody.access.logIn("admin", password);
  anybody.close();
  client = connect(results.address, { token });
});
afterEach(async () => {
  for (const stop of open.splice(0).reverse()) await stop();
});
afterAll(async () => {
  client?.close();
  await events?.stop();
  await results?.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function receiver(behaviour?: Behaviour, options?: ReceiverOptions): Promise<Receiver> {
  const made = await Receiver.start(behaviour, options);
  open.push(() => made.stop());
  return made;
}

type Webhook = Record<string, unknown> & { name: string; url: string };

/** Runs bridges with these webhooks; their subscriptions are there when it returns. */
const bridges = (...webhooks: Webhook[]) => bridgesWith({}, ...webhooks);

async function bridgesWith(env: Record<string, string>, ...webhooks: Webhook[]): Promise<BridgesProcess> {
  const running = await BridgesProcess.start(results.address, {
    SIGHTLINE_BRIDGES_TOKEN_FILE: tokenFile,
    ...env,
    webhooks: webhooks.map((webhook) => ({
      secrets: [secret],
      firstDelaySeconds: 0.05,
      maxDelaySeconds: 0.1,
      ...webhook,
    })),
  });
  open.push(() => running.end());
  await expect.poll(() => running.ready()).toBe(true);
  return running;
}

/** Publishes events one after another; returns their numbers, which no others have. */
async function happen(
  count: number,
  ...[sample]: Parameters<EventSource["publish"]> extends [unknown, ...infer R] ? R : never
) {
  const numbers = Array.from({ length: count }, () => ++lastNumber);
  for (const number of numbers) await events.publish(number, sample);
  return numbers;
}

const letters = (name: string) => Array.fromAsync(client.subscriptions.deadLetters(`webhook-${name}`));
const byNumber = (a: number, b: number) => a - b;

test("an event is posted once, signed by every secret as Standard Webhooks says, and acknowledged", async () => {
  const hook = await receiver();
  const running = await bridges({
    name: "signed",
    url: hook.url,
    secrets: [secret, oldSecret],
    headers: { Authorization: "Bearer x" },
  });
  const [number] = await happen(1, { type: EventType.ENTERED_ZONE, zone: "yard" });
  await expect.poll(() => hook.numbers).toEqual([number]);
  const { headers, body } = hook.received[0]!;
  expect(headers).toMatchObject({ "content-type": "application/json", authorization: "Bearer x" });
  expect(headers["webhook-id"]).toBe(`cameras/front/events/e${number}:1`);
  for (const key of [secret, oldSecret])
    expect(new Verifier(key).verify(body, headers)).toMatchObject({
      type: "event.entered_zone",
      timestamp: "2026-01-01T00:00:00.000Z",
      data: { name: `cameras/front/events/e${number}`, camera: "front", zone: "yard", phase: "start" },
    });
  const stranger = new Verifier(`whsec_${Buffer.alloc(32, 3).toString("base64")}`);
  expect(() => stranger.verify(body, headers)).toThrow("No matching signature");
  expect(() => new Verifier(secret).verify(`${body} `, headers)).toThrow("No matching signature");
  await expect
    .poll(() => client.subscriptions.get("webhook-signed"))
    .toMatchObject({ unacknowledged: 0, pending: 0 });
  expect(
    await running.metric('sightline_bridge_deliveries_total{bridge="webhook-signed",outcome="delivered"}'),
  ).toBe(1);
  expect(await running.metric('sightline_bridge_delivery_seconds_count{bridge="webhook-signed"}')).toBe(1);
  expect(await running.metric('sightline_bridge_connected{bridge="webhook-signed"}')).toBe(1);
});

test("each endpoint gets what it wants", async () => {
  const [all, some] = [await receiver(), await receiver()];
  await bridges(
    { name: "all", url: all.url },
    {
      name: "some",
      url: some.url,
      cameras: ["back"],
      types: ["left"],
      phases: ["once"],
      classes: ["car"],
      zones: ["yard"],
    },
  );
  const wanted = {
    camera: "back",
    type: EventType.LEFT,
    phase: EventPhase.ONCE,
    className: "car",
    zone: "yard",
  };
  await happen(1, { ...wanted, camera: "front" });
  await happen(1, { ...wanted, type: EventType.APPEARED });
  await happen(1, { ...wanted, phase: EventPhase.START });
  await happen(1, { ...wanted, className: "dog" });
  await happen(1, { ...wanted, zone: "road" });
  const [number] = await happen(1, wanted);
  await expect.poll(() => all.received.length).toBe(6);
  await expect.poll(() => some.numbers).toEqual([number]);
  await expect
    .poll(() => client.subscriptions.get("webhook-some"))
    .toMatchObject({ unacknowledged: 0, pending: 0 });
});

test("what fails is tried again, as the same message, until it is taken", async () => {
  const hook = await receiver(failUntil(4, 500));
  const running = await bridges({ name: "flaky", url: hook.url });
  const [number] = await happen(1);
  await expect.poll(() => hook.numbers).toEqual([number, number, number, number]);
  expect(new Set(hook.received.map(({ headers, body }) => `${headers["webhook-id"]} ${body}`)).size).toBe(1);
  const count = (outcome: string) =>
    running.metric(`sightline_bridge_deliveries_total{bridge="webhook-flaky",outcome="${outcome}"}`);
  await expect.poll(() => count("delivered")).toBe(1);
  expect(await count("retried")).toBe(3);
  expect(await letters("flaky")).toEqual([]);
});

test.each([408, 425, 429, 503])("status %i passes; Retry-After is heeded", async (status) => {
  const hook = await receiver(failUntil(2, status, { "retry-after": "1" }));
  await bridges({ name: `later-${status}`, url: hook.url });
  await happen(1);
  await expect.poll(() => hook.received.length).toBe(2);
  expect(hook.received[1]!.at - hook.received[0]!.at).toBeGreaterThanOrEqual(990);
});

test.each([400, 404])("status %i makes a dead letter at once", async (status) => {
  const hook = await receiver(failUntil(2, status));
  const running = await bridges({ name: `gone-${status}`, url: hook.url });
  const [number] = await happen(1);
  await expect.poll(async () => (await letters(`gone-${status}`)).length).toBe(1);
  const [letter] = await letters(`gone-${status}`);
  expect(letter).toMatchObject({
    reason: `HTTP ${status}, attempt 1`,
    message: { $case: "event", value: { name: `cameras/front/events/e${number}` } },
  });
  expect(hook.received.length).toBe(1);
  expect(
    await running.metric(
      `sightline_bridge_deliveries_total{bridge="webhook-gone-${status}",outcome="dead_letter"}`,
    ),
  ).toBe(1);
  await client.subscriptions.deleteDeadLetter(letter!.name, { redeliver: true });
  await expect.poll(() => hook.numbers).toEqual([number, number]);
  expect(await letters(`gone-${status}`)).toEqual([]);
});

test("an endpoint that answers 410, or is set up wrong, is disabled and said so; the others go on", async () => {
  const [gone, well] = [await receiver(failUntil(100, 410)), await receiver()];
  const running = await bridges(
    { name: "gone", url: gone.url, concurrency: 1 },
    { name: "well", url: well.url },
  );
  const numbers = await happen(3);
  await expect.poll(() => well.numbers.sort(byNumber)).toEqual(numbers);
  const disabled = 'sightline_bridge_disabled{bridge="webhook-gone",reason="gone"}';
  await expect.poll(() => running.metric(disabled)).toBe(1);
  expect(await running.missing()).toEqual({ "webhook-gone": expect.stringContaining("410 Gone") });
  expect(JSON.stringify(running.log)).toContain("the endpoint answered 410 Gone");
  expect(gone.received.length).toBe(1);
  expect(await letters("gone")).toEqual([]);
  await running.end();

  // Changed settings begin with what waits.
  const again = await receiver();
  const secrets = [secret];
  const changed = await BridgesProcess.start(results.address, {
    SIGHTLINE_BRIDGES_TOKEN_FILE: tokenFile,
    webhooks: [
      { name: "gone", url: again.url, secrets },
      { name: "well", url: undefined, secrets },
    ],
  });
  open.push(() => changed.end());
  await expect.poll(() => again.numbers.sort(byNumber)).toEqual(numbers);
  expect(
    await changed.metric('sightline_bridge_disabled{bridge="webhook-well",reason="misconfigured"}'),
  ).toBe(1);
  expect(await changed.missing()).toEqual({ "webhook-well": "SIGHTLINE_WEBHOOKS[1].url: is missing" });
  expect(JSON.stringify(changed.log)).toContain("a bridge does not run: its settings are wrong");
});

test("a connection that is reset, or refused, is tried again until the last attempt, then a dead letter", async () => {
  const hook = await receiver((_, response) => void response.socket?.destroy());
  const nowhere = `http://127.0.0.1:${await freePort()}/hook`;
  await bridges(
    { name: "reset", url: hook.url, maxAttempts: 3 },
    { name: "refused", url: nowhere, maxAttempts: 3 },
  );
  const [number] = await happen(1);
  await expect
    .poll(async () => (await letters("reset")).map(({ reason }) => reason))
    .toEqual(["no answer: UND_ERR_SOCKET, attempt 3"]);
  expect(hook.numbers).toEqual([number, number, number]);
  await expect.poll(async () => (await letters("refused")).length).toBe(1);
  expect((await letters("refused"))[0]?.reason).toBe("no answer: ECONNREFUSED, attempt 3");
});

test("a certificate is checked; one by an authority of your own is trusted when Node.js is told of it", async () => {
  const certificates = mkdtempSync(join(tmpdir(), "sightline-webhooks-"));
  open.push(async () => rmSync(certificates, { recursive: true }));
  makeCertificates(certificates);
  const hook = await receiver(accept, { certificates });
  const trusted = `https://localhost:${hook.port}/hook`;
  const distrustful = await bridges({ name: "stranger", url: trusted, maxAttempts: 2 });
  await happen(1);
  const reasons = async (name: string) => (await letters(name)).map(({ reason }) => reason);
  await expect
    .poll(() => reasons("stranger"))
    .toEqual(["no answer: UNABLE_TO_VERIFY_LEAF_SIGNATURE, attempt 2"]);
  await distrustful.end();
  await bridgesWith(
    { NODE_EXTRA_CA_CERTS: join(certificates, "ca.pem") },
    { name: "friend", url: trusted },
    { name: "misnamed", url: `https://127.0.0.1:${hook.port}/hook`, maxAttempts: 2 },
  );
  const [number] = await happen(1);
  await expect.poll(() => hook.numbers).toEqual([number]);
  await expect
    .poll(() => reasons("misnamed"))
    .toEqual(["no answer: ERR_TLS_CERT_ALTNAME_INVALID, attempt 2"]);
});

const hasIpv6 = Object.values(networkInterfaces()).some((each) =>
  each?.some(({ address }) => address === "::1"),
);

test.skipIf(!hasIpv6)("an endpoint may have an IPv6 address", async () => {
  const hook = await receiver(accept, { host: "::1" });
  await bridges({ name: "ipv6", url: `http://[::1]:${hook.port}/hook` });
  const [number] = await happen(1);
  await expect.poll(() => hook.numbers).toEqual([number]);
});

test("redirects are not followed", async () => {
  const target = await receiver();
  const hook = await receiver((_, response) => void response.writeHead(307, { location: target.url }).end());
  await bridges({ name: "redirected", url: hook.url, maxAttempts: 2 });
  await happen(1);
  await expect.poll(async () => (await letters("redirected"))[0]?.reason).toBe("HTTP 307, attempt 2");
  expect(target.received).toEqual([]);
});

test("an endpoint that does not answer is given up in time, and slows no other", async () => {
  const stuck = await receiver(() => undefined);
  const quick = await receiver();
  await bridges(
    // No whole number of milliseconds.
    { name: "stuck", url: stuck.url, timeoutSeconds: 0.5005, maxAttempts: 2, concurrency: 1 },
    { name: "quick", url: quick.url },
  );
  const numbers = await happen(20);
  await expect.poll(() => quick.numbers.sort(byNumber)).toEqual(numbers);
  expect(new Set(stuck.numbers).size).toBeLessThan(20);
  await expect.poll(async () => (await letters("stuck"))[0]?.reason).toBe("no answer in 0.5005 s, attempt 2");
});

test("an endless answer counts by its status", async () => {
  const hook = await receiver((_, response) => {
    response.writeHead(200);
    const more = () => void response.write("x".repeat(16_384), (error) => error ?? setImmediate(more));
    more();
  });
  await bridges({ name: "endless", url: hook.url });
  await happen(1);
  await expect.poll(() => hook.received.length).toBe(1);
  await expect
    .poll(() => client.subscriptions.get("webhook-endless"))
    .toMatchObject({ unacknowledged: 0, pending: 0 });
  expect(await letters("endless")).toEqual([]);
});

test("in order: nothing overtakes a message that fails", async () => {
  const failing = (number: number) => number % 3 === 0;
  const hook = await receiver((received, response, attempt) =>
    failing(received.number) && attempt < 3
      ? void response.writeHead(500).end()
      : accept(received, response, attempt),
  );
  await bridges({ name: "ordered", url: hook.url, ordered: true, concurrency: 8 });
  const numbers = await happen(9);
  const expected = numbers.flatMap((number) => (failing(number) ? [number, number, number] : [number]));
  await expect.poll(() => hook.numbers).toEqual(expected);
});

test("in order: attempts are counted, and a message that is given up makes way for the next", async () => {
  const bad = new Set<number>();
  const hook = await receiver((received, response, attempt) =>
    bad.has(received.number) ? void response.writeHead(500).end() : accept(received, response, attempt),
  );
  await bridges({ name: "patient", url: hook.url, ordered: true, maxAttempts: 3 });
  bad.add(lastNumber + 1);
  const [first, second] = await happen(2);
  await expect.poll(() => hook.numbers).toEqual([first, first, first, second]);
  await expect
    .poll(async () => (await letters("patient")).map(({ reason }) => reason))
    .toEqual(["HTTP 500, attempt 3"]);
});

test("in order: attempts are counted anew by bridges that start anew, however often a message was given out", async () => {
  const hook = await receiver((_, response) => void response.writeHead(500).end());
  const patient = { name: "restarted", url: hook.url, ordered: true, maxAttempts: 2 };
  const first = await bridges({ ...patient, firstDelaySeconds: 60, maxDelaySeconds: 60 });
  const [number] = await happen(1);
  const retried = 'sightline_bridge_deliveries_total{bridge="webhook-restarted",outcome="retried"}';
  await expect.poll(() => first.metric(retried)).toBe(1);
  expect(await first.end()).toBe(0);
  await bridges(patient);
  await expect
    .poll(async () => (await letters("restarted")).map(({ reason }) => reason))
    .toEqual(["HTTP 500, attempt 2"]);
  expect(hook.numbers).toEqual([number, number, number]);
});

test("concurrently: others pass a message that fails, and no more are under way than allowed", async () => {
  let underWay = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const hook = await receiver((received, response, attempt) => {
    most = Math.max(most, ++underWay);
    response.on("close", () => underWay--);
    waiting.push(() => accept(received, response, attempt));
  });
  await bridges({ name: "wide", url: hook.url, concurrency: 3 });
  const numbers = await happen(9);
  await expect.poll(() => waiting.length).toBe(3);
  while (hook.received.length < 9 || waiting.length > 0) {
    await expect.poll(() => waiting.length).toBeGreaterThan(0);
    waiting.shift()!();
  }
  await expect.poll(() => hook.numbers.sort(byNumber)).toEqual(numbers);
  expect(most).toBe(3);
});

test("no log line holds a secret, an authorization or a URL", async () => {
  const hook = await receiver(failUntil(3, 500));
  const path = "/hook?token=sesame";
  const running = await bridges({
    name: "quiet",
    url: hook.url.replace("/hook", path),
    headers: { authorization: "Bearer sesame" },
  });
  await happen(1);
  await expect.poll(() => hook.received.length).toBe(3);
  const log = () => JSON.stringify(running.log);
  await expect.poll(log).toContain("a delivery failed");
  expect(log()).not.toMatch(/sesame|whsec_/);
});
