import { connect, type SightlineClient } from "@sightline/client";
import { EventPhase, EventType } from "@sightline/contracts";
import { ResultsProcess } from "@sightline/stack/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { BridgesProcess } from "../testing/bridges-process.ts";
import { EventSource } from "../testing/event-source.ts";
import { Listener, Mosquitto } from "../testing/mosquitto.ts";

let results: ResultsProcess;
let events: EventSource;
let client: SightlineClient;
let broker: Mosquitto;
let listener: Listener;
const open: (() => Promise<unknown>)[] = [];
let last = 0;

beforeAll(async () => {
  results = await ResultsProcess.start();
  events = await EventSource.connect(results.nats.url);
  client = connect(results.address);
});
beforeEach(async () => {
  broker = await Mosquitto.start({ keeps: true });
  open.push(() => broker.stop());
  listener = await Listener.connect(broker.url);
  open.push(() => listener.stop());
});
afterEach(async () => {
  for (const stop of open.splice(0).reverse()) await stop();
});
afterAll(async () => {
  client?.close();
  await events?.stop();
  await results?.stop();
});

/** Runs a bridge; with the same name it goes on where the one before stopped. */
async function bridge(name = `mqtt-${++last}`, env: Record<string, string> = {}): Promise<BridgesProcess> {
  const running = await BridgesProcess.start(results.address, {
    SIGHTLINE_MQTT_URL: broker.url,
    SIGHTLINE_MQTT_SUBSCRIPTION: name,
    ...env,
  });
  open.push(() => running.end("SIGKILL"));
  await expect.poll(() => running.ready()).toBe(true);
  return running;
}

/** Registers a camera, whose analysis leaves alone what is published from now on. */
async function registered(): Promise<string> {
  const camera = `review-${++last}`;
  await client.cameras.register(camera, { uri: "rtsp://127.0.0.1:1/x" });
  await expect.poll(() => events.isAnalysed(camera)).toBe(true);
  return camera;
}

const end = { phase: EventPhase.END, revision: 2 };
/** Type, id and number of events of what was told of a camera's items. */
const told = (camera: string) =>
  listener
    .json("frigate/reviews")
    .filter(({ after }) => after.camera === camera)
    .map(({ type, after }) => `${type} ${after.id} ${after.data.detections.length}`);
const status = (camera: string) => listener.newest(`frigate/${camera}/review_status`);

test("an item is told as Frigate tells it: new, update, end, each with what was said before, and the status is retained", async () => {
  await bridge(undefined, { SIGHTLINE_MQTT_ALERT_CLASSES: "person" });
  const camera = await registered();
  await expect.poll(() => status(camera)).toBe("NONE");
  const [dog, person] = [++last, ++last];
  await events.publish(dog, { camera, className: "dog" });
  await expect.poll(() => status(camera)).toBe("DETECTION");
  await events.publish(person, { camera, type: EventType.ENTERED_ZONE, zone: "yard" });
  await expect.poll(() => status(camera)).toBe("ALERT");
  await events.publish(dog, { camera, className: "dog", ...end });
  await events.publish(person, { camera, type: EventType.ENTERED_ZONE, zone: "yard", ...end });
  await expect.poll(() => status(camera)).toBe("NONE");
  const id = `${camera}.e${dog}`;
  await expect.poll(() => told(camera)).toEqual([`new ${id} 1`, `update ${id} 2`, `end ${id} 2`]);
  const [first, second, third] = listener.json("frigate/reviews");
  const start = Date.UTC(2026, 0, 1) / 1000;
  const review = {
    id,
    camera,
    start_time: start,
    end_time: null,
    severity: "detection",
    thumb_path: `/api/v1/events/${camera}/e${dog}/snapshot`,
    data: { detections: [id], objects: ["dog"], sub_labels: [], zones: [], audio: [] },
  };
  expect(first).toEqual({ type: "new", before: review, after: review });
  const grown = {
    ...review,
    severity: "alert",
    data: {
      ...review.data,
      detections: [id, `${camera}.e${person}`],
      objects: ["dog", "person"],
      zones: ["yard"],
    },
  };
  expect(second).toEqual({ type: "update", before: review, after: grown });
  expect(third).toEqual({ type: "end", before: grown, after: { ...grown, end_time: start + 1 } });
  const ids = new Set(listener.json("frigate/events").map(({ after }) => after.id));
  expect([...ids]).toEqual(grown.data.detections);
});

test.each(["SIGTERM", "SIGKILL"] as const)(
  "a bridge that ends by %s in the middle of an item leaves it to the next, which goes on with it",
  async (signal) => {
    const name = `mqtt-${++last}`;
    const first = await bridge(name);
    const camera = await registered();
    const [one, two, three] = [++last, ++last, ++last];
    await events.publish(one, { camera });
    await events.publish(two, { camera });
    const id = `${camera}.e${one}`;
    await expect.poll(() => told(camera)).toEqual([`new ${id} 1`, `update ${id} 2`]);
    await expect.poll(() => client.subscriptions.get(name)).toMatchObject({ pending: 0, unacknowledged: 0 });
    await first.end(signal);
    await events.publish(one, { camera, ...end });
    await events.publish(two, { camera, ...end });
    await events.publish(three, { camera });
    await bridge(name);
    const all = [`new ${id} 1`, `update ${id} 2`, `end ${id} 2`, `new ${camera}.e${three} 1`];
    await expect.poll(() => told(camera)).toEqual(all);
    await expect.poll(() => status(camera)).toBe("ALERT");
  },
);

test("what happens while the broker is away is told when it is back, each item once and in order", async () => {
  const name = `mqtt-${++last}`;
  await bridge(name);
  const camera = await registered();
  const [one, two] = [++last, ++last];
  await events.publish(one, { camera });
  await expect.poll(() => told(camera).length).toBe(1);
  await broker.down();
  await events.publish(one, { camera, ...end });
  await events.publish(two, { camera });
  await broker.up();
  const all = [`new ${camera}.e${one} 1`, `end ${camera}.e${one} 1`, `new ${camera}.e${two} 1`];
  await expect.poll(() => told(camera)).toEqual(all);
});

test("messages that are delivered again, to a bridge that does not know them, begin no item", async () => {
  const camera = await registered();
  const one = ++last;
  const first = await bridge();
  await events.publish(one, { camera });
  await events.publish(one, { camera, ...end });
  await expect.poll(() => told(camera).length).toBe(2);
  await first.end();
  // Another subscription, from the beginning: all that it is given was told before.
  const name = `mqtt-${++last}`;
  await client.subscriptions.create(name, { kind: "events", start: "beginning" });
  await bridge(name);
  const tellings = () =>
    listener.json("frigate/events").filter(({ after }) => after.id === `${camera}.e${one}`);
  await expect.poll(() => tellings().length).toBe(4);
  await expect.poll(() => client.subscriptions.get(name)).toMatchObject({ pending: 0, unacknowledged: 0 });
  expect(told(camera)).toEqual([`new ${camera}.e${one} 1`, `end ${camera}.e${one} 1`]);
});

test("an item ends when its camera is removed, and nothing of it stays at the broker", async () => {
  await bridge();
  const camera = await registered();
  const one = ++last;
  await events.publish(one, { camera });
  const id = `${camera}.e${one}`;
  const topics = [`frigate/${camera}/review_status`, `frigate/${camera}/sightline/reviews`];
  await expect
    .poll(() => topics.map((topic) => listener.newest(topic)))
    .toEqual(["ALERT", expect.any(String)]);
  await client.cameras.delete(camera);
  await expect.poll(() => told(camera)).toEqual([`new ${id} 1`, `end ${id} 1`]);
  await expect.poll(() => topics.map((topic) => listener.newest(topic))).toEqual(["", ""]);
  // The end of its event comes after that.
  await events.publish(one, { camera, ...end });
  await events.publish(++last, { camera: `other-${last}` });
  await expect.poll(() => told(`other-${last}`).length).toBe(1);
  expect(told(camera)).toEqual([`new ${id} 1`, `end ${id} 1`]);
  expect(topics.map((topic) => listener.newest(topic))).toEqual(["", ""]);
});

test("the item of a camera that was removed while no bridge ran ends at the next start", async () => {
  const name = `mqtt-${++last}`;
  const first = await bridge(name);
  const camera = await registered();
  const one = ++last;
  await events.publish(one, { camera });
  await expect.poll(() => status(camera)).toBe("ALERT");
  await first.end();
  await client.cameras.delete(camera);
  await bridge(name);
  await expect.poll(() => status(camera)).toBe("");
  expect(told(camera)).toEqual([`new ${camera}.e${one} 1`, `end ${camera}.e${one} 1`]);
});

test("an item whose events are over, but whose end will not come, ends when a bridge starts", async () => {
  const name = `mqtt-${++last}`;
  const first = await bridge(name);
  const camera = await registered();
  const one = ++last;
  await events.publish(one, { camera });
  const record = `frigate/${camera}/sightline/reviews`;
  await expect.poll(() => listener.newest(record)).toBeDefined();
  const early = listener.newest(record)!;
  await events.publish(one, { camera, ...end });
  await expect.poll(() => status(camera)).toBe("NONE");
  await first.end();
  // As after a loss of power: the broker has what it had written down before.
  await listener.retain(record, early);
  await bridge(name);
  await expect.poll(() => told(camera).length).toBe(3);
  expect(told(camera).at(-1)).toBe(`end ${camera}.e${one} 1`);
  await expect.poll(() => status(camera)).toBe("NONE");
});
