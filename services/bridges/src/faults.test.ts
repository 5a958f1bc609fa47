import { connect, type SightlineClient } from "@sightline/client";
import { EventPhase } from "@sightline/contracts";
import { ResultsProcess } from "@sightline/stack/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BridgesProcess } from "./testing/bridges-process.ts";
import { EventSource } from "./testing/event-source.ts";
import { Listener, Mosquitto } from "./testing/mosquitto.ts";
import { accept, type Behaviour, Receiver } from "./testing/receiver.ts";

const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;

let results: ResultsProcess;
let events: EventSource;
let client: SightlineClient;
const open: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  results = await ResultsProcess.start();
  open.push(() => results.stop());
  events = await EventSource.connect(results.nats.url);
  open.push(() => events.stop());
  client = connect(results.address);
  open.push(async () => client.close());
});
afterEach(async () => {
  for (const stop of open.splice(0).reverse()) await stop();
});

async function receiver(behaviour?: Behaviour): Promise<Receiver> {
  const made = await Receiver.start(behaviour);
  open.push(() => made.stop());
  return made;
}

async function broker(keeps = false): Promise<{ broker: Mosquitto; listener: Listener }> {
  const made = await Mosquitto.start({ keeps });
  open.push(() => made.stop());
  const listener = await Listener.connect(made.url);
  open.push(() => listener.stop());
  return { broker: made, listener };
}

interface Targets {
  hook?: Receiver;
  webhook?: Record<string, unknown>;
  broker?: Mosquitto;
}

async function bridges({ hook, webhook, broker }: Targets): Promise<BridgesProcess> {
  const webhooks = hook && [
    { name: "hook", url: hook.url, secrets: [secret], firstDelaySeconds: 0.05, ...webhook },
  ];
  const running = await BridgesProcess.start(results.address, {
    ...(webhooks && { webhooks }),
    ...(broker && { SIGHTLINE_MQTT_URL: broker.url }),
  });
  open.push(() => running.end("SIGKILL"));
  await expect.poll(() => running.ready()).toBe(true);
  return running;
}

const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, index) => index + from);

/** Publishes events one after another, again when NATS is away. */
async function happen(numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    const published = () =>
      events.publish(number).then(
        () => true,
        () => false,
      );
    await expect.poll(published).toBe(true);
  }
}

/** Numbers of the events that were told over MQTT, each once. */
function told(listener: Listener): number[] {
  const numbers = listener.json("frigate/events").map(({ sightline }) => Number(sightline.id.slice(1)));
  return [...new Set(numbers)].sort((a, b) => a - b);
}

const different = (hook: Receiver) => [...new Set(hook.numbers)].sort((a, b) => a - b);
const settled = (name: string) => expect.poll(() => client.subscriptions.get(name));

test("bridges that are killed in the middle lose nothing: what was under way is delivered again, as the same message", async () => {
  const hook = await receiver((received, response, attempt) => {
    setTimeout(() => accept(received, response, attempt), 5);
  });
  const { broker: mosquitto, listener } = await broker();
  const first = await bridges({ hook, broker: mosquitto });
  await happen(upTo(150));
  await expect.poll(() => hook.numbers.length).toBeGreaterThan(20);
  await first.end("SIGKILL");
  const before = hook.numbers.length;
  await happen(upTo(50, 151));
  await bridges({ hook, broker: mosquitto });
  await expect.poll(() => different(hook)).toEqual(upTo(200));
  await expect.poll(() => told(listener)).toEqual(upTo(200));
  await settled("webhook-hook").toMatchObject({ pending: 0, unacknowledged: 0, deadLetters: 0 });
  expect(before).toBeLessThan(200);
  // At most as many as were under way, and acknowledgements on their way.
  expect(hook.numbers.length - 200).toBeLessThanOrEqual(8);
});

test("a broker that goes away gets what happens meanwhile when it is back", async () => {
  const { broker: mosquitto, listener } = await broker(true);
  const running = await bridges({ broker: mosquitto });
  await happen(upTo(30));
  await mosquitto.down();
  await happen(upTo(30, 31));
  await expect.poll(() => running.ready()).toBe(false);
  expect(await running.metric('sightline_bridge_connected{bridge="mqtt"}')).toBe(0);
  await mosquitto.up();
  await expect.poll(() => told(listener)).toEqual(upTo(60));
  await settled("mqtt").toMatchObject({ pending: 0, unacknowledged: 0, deadLetters: 0 });
  expect(await running.metric('sightline_bridge_connected{bridge="mqtt"}')).toBe(1);
});

test("a broker that has forgotten everything is told again what is so", async () => {
  const { broker: mosquitto, listener } = await broker();
  await bridges({ broker: mosquitto });
  await client.cameras.register("front", { uri: "rtsp://127.0.0.1:1/x" });
  await expect.poll(() => listener.newest("frigate/front/status/detect")).toBe("offline");
  await expect.poll(() => events.isAnalysed("front")).toBe(true);
  await happen(upTo(2));
  await events.publish(1, { revision: 2, phase: EventPhase.END });
  await settled("mqtt").toMatchObject({ pending: 0, unacknowledged: 0 });
  await mosquitto.down("SIGKILL");
  await mosquitto.up();
  const later = await Listener.connect(mosquitto.url);
  open.push(() => later.stop());
  await expect.poll(() => later.newest("frigate/front/person")).toBe("1");
  await expect.poll(() => later.newest("frigate/available")).toBe("online");
  await expect.poll(() => later.newest("frigate/front/status/detect")).toBe("offline");
  const discovery = "homeassistant/binary_sensor/sightline_camera_front/person_occupancy/config";
  await expect.poll(() => later.json(discovery).length).toBe(1);
});

test("a broker that says nothing does not keep the bridge from stopping", async () => {
  const { broker: mosquitto, listener } = await broker();
  const running = await bridges({ broker: mosquitto });
  mosquitto.freeze();
  await happen(upTo(5));
  await expect.poll(() => client.subscriptions.get("mqtt")).toMatchObject({ unacknowledged: 5 });
  expect(await running.end()).toBe(0);
  mosquitto.thaw();
  await bridges({ broker: mosquitto });
  await expect.poll(() => told(listener)).toEqual(upTo(5));
});

test.each(["SIGTERM", "SIGKILL"] as const)(
  "nothing is lost when the results service ends by %s",
  async (signal) => {
    const hook = await receiver();
    const { broker: mosquitto, listener } = await broker();
    // As the bridges make them, but for the deadline: what a killed service had handed out, and nobody answered for, comes after it.
    for (const name of ["webhook-hook", "mqtt"])
      await client.subscriptions.create(name, {
        kind: "events",
        ackDeadlineSeconds: 5,
        maxDeliveryAttempts: 1000,
      });
    const running = await bridges({ hook, broker: mosquitto });
    await happen(upTo(50));
    await results.down(signal);
    await happen(upTo(50, 51));
    await expect.poll(() => running.ready()).toBe(false);
    await results.up();
    await expect.poll(() => different(hook), { timeout: 60_000 }).toEqual(upTo(100));
    await expect.poll(() => told(listener), { timeout: 60_000 }).toEqual(upTo(100));
    await expect.poll(() => running.ready()).toBe(true);
  },
  180_000,
);

test("nothing is lost when NATS is killed", async () => {
  const hook = await receiver();
  const { broker: mosquitto, listener } = await broker();
  await bridges({ hook, broker: mosquitto });
  await happen(upTo(50));
  await results.nats.down("SIGKILL");
  await results.nats.up();
  await happen(upTo(50, 51));
  await expect.poll(() => different(hook), { timeout: 60_000 }).toEqual(upTo(100));
  await expect.poll(() => told(listener), { timeout: 60_000 }).toEqual(upTo(100));
}, 180_000);

test("bridges that stop end what is under way, and give the rest back", async () => {
  let release: () => void = () => undefined;
  const hook = await receiver((received, response, attempt) => {
    if (received.number > 1) accept(received, response, attempt);
    else release = () => accept(received, response, attempt);
  });
  const running = await bridges({ hook, webhook: { ordered: true } });
  await happen(upTo(3));
  await expect.poll(() => hook.numbers).toEqual([1]);
  const ended = running.end();
  await expect.poll(() => running.log.map(({ msg }) => msg)).toContain("stopping");
  release();
  expect(await ended).toBe(0);
  expect(hook.numbers).toEqual([1]);
  await bridges({ hook, webhook: { ordered: true } });
  await expect.poll(() => hook.numbers).toEqual([1, 2, 3]);
});

test("bridges stop in time when the results service does not hear their answers any more", async () => {
  let release: () => void = () => undefined;
  const hook = await receiver((received, response, attempt) => {
    release = () => accept(received, response, attempt);
  });
  const running = await bridges({ hook });
  await happen([1]);
  await expect.poll(() => hook.numbers).toEqual([1]);
  await results.down("SIGKILL");
  release();
  const delivered = 'sightline_bridge_deliveries_total{bridge="webhook-hook",outcome="delivered"}';
  await expect.poll(() => running.metric(delivered)).toBe(1);
  expect(await running.end()).toBe(0);
});

test("bridges start before anything that they need", async () => {
  const hook = await receiver();
  const { broker: mosquitto, listener } = await broker(true);
  await mosquitto.down();
  await results.down();
  const webhooks = [{ name: "hook", url: hook.url, secrets: [secret] }];
  const running = await BridgesProcess.start(results.address, {
    webhooks,
    SIGHTLINE_MQTT_URL: mosquitto.url,
  });
  open.push(() => running.end());
  expect(await running.ready()).toBe(false);
  await results.up();
  await mosquitto.up();
  await expect.poll(() => running.ready()).toBe(true);
  await happen(upTo(3));
  await expect.poll(() => different(hook)).toEqual(upTo(3));
  await expect.poll(() => told(listener)).toEqual(upTo(3));
});
