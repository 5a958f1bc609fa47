import { connect, type SightlineClient } from "@sightline/client";
import { CameraState, EventPhase, EventType } from "@sightline/contracts";
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
let lastNumber = 0;
let lastName = 0;

beforeAll(async () => {
  results = await ResultsProcess.start();
  events = await EventSource.connect(results.nats.url);
  client = connect(results.address);
});
beforeEach(async () => {
  broker = await Mosquitto.start();
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

/** Runs a bridge with a subscription of its own, which is there when it returns. */
async function bridge(env: Record<string, string> = {}): Promise<BridgesProcess> {
  const running = await BridgesProcess.start(results.address, {
    SIGHTLINE_MQTT_URL: broker.url,
    SIGHTLINE_MQTT_SUBSCRIPTION: `mqtt-${++lastName}`,
    ...env,
  });
  open.push(() => running.end());
  await expect.poll(() => running.ready()).toBe(true);
  return running;
}

const told = () => listener.json("frigate/events");

test("an object's life is told as Frigate tells it: new, update, end, each with what was said before", async () => {
  await bridge();
  const number = ++lastNumber;
  await events.publish(number, { snapshot: true });
  await events.publish(number, { revision: 2, phase: EventPhase.UPDATE, snapshot: true });
  await events.publish(number, { revision: 3, phase: EventPhase.END });
  await expect.poll(() => told().map(({ type }) => type)).toEqual(["new", "update", "end"]);
  const [first, second, third] = told();
  const start = Date.UTC(2026, 0, 1) / 1000;
  expect(first.after).toEqual({
    id: `front.e${number}`,
    camera: "front",
    frame_time: start,
    snapshot: {
      frame_time: start,
      box: [64, 48, 128, 240],
      area: 12_288,
      region: [0, 0, 640, 480],
      score: 0.5,
      attributes: [],
    },
    label: "person",
    sub_label: null,
    top_score: 0.75,
    false_positive: false,
    start_time: start,
    end_time: null,
    score: 0.5,
    box: [64, 48, 128, 240],
    area: 12_288,
    ratio: 0.333333,
    region: [0, 0, 640, 480],
    active: true,
    stationary: false,
    motionless_count: 0,
    position_changes: 0,
    attributes: {},
    current_attributes: [],
    current_zones: [],
    entered_zones: [],
    thumbnail: null,
    has_snapshot: true,
    has_clip: false,
    pending_loitering: false,
    max_severity: null,
    current_estimated_speed: 0,
    average_estimated_speed: 0,
    velocity_angle: 0,
    path_data: [],
    recognized_license_plate: null,
  });
  const nothing = { snapshot: null, top_score: 0, false_positive: true, has_snapshot: false };
  expect(first.before).toEqual({ ...first.after, ...nothing });
  expect(second.before).toEqual(first.after);
  expect(second.after).toMatchObject({ frame_time: start + 1, end_time: null });
  expect(third.before).toEqual(second.after);
  expect(third.after).toMatchObject({ end_time: start + 2, active: false, has_snapshot: false });
  expect(third.sightline).toMatchObject({
    name: `cameras/front/events/e${number}`,
    type: "appeared",
    revision: 3,
  });
});

test("a momentary event begins and ends at once; what is about no object is not told", async () => {
  await bridge();
  await events.publish(++lastNumber, { type: EventType.COUNT_ABOVE, track: null });
  await events.publish(++lastNumber, { type: EventType.CROSSED_LINE, phase: EventPhase.ONCE });
  await expect
    .poll(() => told().map(({ after }) => after.id))
    .toEqual([`front.e${lastNumber}`, `front.e${lastNumber}`]);
  const [begin, end] = told();
  expect([begin.type, begin.after.end_time]).toEqual(["new", null]);
  expect([end.type, end.before, end.after.end_time]).toEqual(["end", begin.after, begin.after.start_time]);
});

test("an object that enters a zone was not in it before, and has entered it ever after", async () => {
  await bridge();
  const number = ++lastNumber;
  const sample = { type: EventType.ENTERED_ZONE, zone: "yard" };
  await events.publish(number, sample);
  await events.publish(number, { ...sample, zone: "", revision: 2, phase: EventPhase.END });
  const zones = () =>
    told().flatMap(({ before, after }) =>
      [before, after].map(({ current_zones, entered_zones }) => [current_zones, entered_zones]),
    );
  await expect.poll(zones).toEqual([
    [[], []],
    [["yard"], ["yard"]],
    [["yard"], ["yard"]],
    [[], ["yard"]],
  ]);
});

test("messages come in the order of the events, each once", async () => {
  await bridge();
  const numbers = Array.from({ length: 200 }, () => ++lastNumber);
  for (const number of numbers) await events.publish(number, { camera: `c${number % 7}` });
  await expect.poll(() => told().length).toBe(200);
  expect(told().map(({ after }) => after.id)).toEqual(numbers.map((number) => `c${number % 7}.e${number}`));
});

test("objects are counted per camera and zone, each once, and Home Assistant is told where to look", async () => {
  await bridge();
  const zone = `yard ${lastNumber}`;
  const [one, two] = [++lastNumber, ++lastNumber];
  const camera = `counted-${one}`;
  const counts = (place: string) =>
    ["person", "all"].map((label) => listener.newest(`frigate/${place}/${label}`)).join(" ");
  await events.publish(one, { camera, track: 1 });
  await events.publish(two, { camera, track: 1, type: EventType.ENTERED_ZONE, zone });
  await expect.poll(() => counts(zone)).toBe("1 1");
  expect(counts(camera)).toBe("1 1");
  await expect.poll(() => listener.newest(`frigate/${zone}/person/active`)).toBe("1");
  await events.publish(++lastNumber, { camera, track: 2 });
  await expect.poll(() => counts(camera)).toBe("2 2");
  await events.publish(++lastNumber, { camera, track: 3, className: "traffic light" });
  await expect.poll(() => counts(camera)).toBe("2 3");
  await events.publish(two, {
    camera,
    track: 1,
    type: EventType.ENTERED_ZONE,
    zone,
    revision: 2,
    phase: EventPhase.END,
  });
  await expect.poll(() => counts(zone)).toBe("0 0");
  expect(counts(camera)).toBe("2 3");
  const device = `sightline_camera_${camera}`;
  const [occupancy] = listener.json(`homeassistant/binary_sensor/${device}/person_occupancy/config`);
  expect(occupancy).toMatchObject({
    unique_id: `${device}_person_occupancy`,
    device_class: "occupancy",
    state_topic: `frigate/${camera}/person`,
    availability: [{ topic: "frigate/available" }, { topic: `frigate/${camera}/status/detect` }],
    device: { identifiers: [device] },
  });
  expect(listener.json(`homeassistant/image/${device}/traffic_light_snapshot/config`)).toMatchObject([
    { image_topic: `frigate/${camera}/traffic light/snapshot`, content_type: "image/jpeg" },
  ]);
  const zoneDevice = `sightline_zone_${zone.replace(" ", "_")}`;
  expect(listener.json(`homeassistant/binary_sensor/${zoneDevice}/person_occupancy/config`).length).toBe(1);
  const later = await Listener.connect(broker.url);
  open.push(() => later.stop());
  await expect.poll(() => later.newest(`frigate/${camera}/all`)).toBe("3");
  expect(later.heard.every(({ retain }) => retain)).toBe(true);
});

test("a bridge that starts knows what is open", async () => {
  const [here, gone] = [++lastNumber, ++lastNumber];
  const camera = `open-${here}`;
  await events.publish(here, { camera });
  await events.publish(gone, { camera });
  await events.publish(gone, { camera, revision: 2, phase: EventPhase.END });
  await bridge();
  await expect.poll(() => listener.newest(`frigate/${camera}/person`)).toBe("1");
  await events.publish(here, { camera, revision: 2, phase: EventPhase.END });
  await expect.poll(() => listener.newest(`frigate/${camera}/person`)).toBe("0");
});

test("cameras are told of as they come, go down, come back and are removed", async () => {
  await bridge();
  const camera = `watched-${++lastNumber}`;
  const status = `frigate/${camera}/status/detect`;
  await client.cameras.register(camera, { uri: "rtsp://127.0.0.1:1/x" });
  await expect.poll(() => listener.newest(status)).toBe("offline");
  await events.setStatus(camera, { state: CameraState.LIVE });
  await expect.poll(() => listener.newest(status)).toBe("online");
  await events.setStatus(camera, { state: CameraState.DOWN });
  await expect.poll(() => listener.newest(status)).toBe("offline");
  const discovery = `homeassistant/binary_sensor/sightline_camera_${camera}/connectivity/config`;
  expect(listener.json(discovery)).toMatchObject([{ device_class: "connectivity", state_topic: status }]);
  await expect.poll(() => events.isAnalysed(camera)).toBe(true);
  const inSight = ++lastNumber;
  await events.publish(inSight, { camera });
  const topics = [status, discovery, `frigate/${camera}/person`, `frigate/${camera}/person/active`];
  const newest = () => topics.map((topic) => listener.newest(topic));
  await expect.poll(newest).toEqual(["offline", expect.any(String), "1", "1"]);
  await client.cameras.delete(camera);
  await expect.poll(newest).toEqual(["", "", "", ""]);
  // Its last events come after it has gone: they are told, and the broker is left with nothing of it.
  await events.publish(inSight, { camera, revision: 2, phase: EventPhase.END });
  await events.publish(++lastNumber, { camera: `other-${lastNumber}` });
  await expect.poll(() => listener.newest(`frigate/other-${lastNumber}/person`)).toBe("1");
  expect(
    told()
      .filter(({ after }) => after.camera === camera)
      .at(-1),
  ).toMatchObject({ type: "end" });
  expect(newest()).toEqual(["", "", "", ""]);
});

test("what is retained of a camera that was removed while no bridge ran is cleared at the next start, and nothing of others", async () => {
  const subscription = { SIGHTLINE_MQTT_SUBSCRIPTION: `mqtt-left-${++lastName}` };
  const [gone, kept] = [`gone-${++lastNumber}`, `kept-${lastNumber}`];
  const first = await bridge(subscription);
  for (const camera of [gone, kept]) {
    await client.cameras.register(camera, { uri: "rtsp://127.0.0.1:1/x" });
    await events.publish(++lastNumber, { camera, snapshot: true });
  }
  const topicsOf = (camera: string) => [
    `frigate/${camera}/status/detect`,
    `frigate/${camera}/person`,
    `frigate/${camera}/all/active`,
    `frigate/sightline/${camera}`,
    ...["connectivity", "person_occupancy"].map(
      (entity) => `homeassistant/binary_sensor/sightline_camera_${camera}/${entity}/config`,
    ),
    `homeassistant/image/sightline_camera_${camera}/person_snapshot/config`,
  ];
  const retained = (camera: string) => topicsOf(camera).filter((topic) => listener.newest(topic));
  for (const camera of [gone, kept]) await expect.poll(() => retained(camera)).toEqual(topicsOf(camera));
  await listener.retain(`frigate/${gone}/motion`, "of another");
  await listener.retain("frigate/sightline/never-there", '["frigate/never-there/x", "lights/hall", 1]');
  expect(await first.end()).toBe(0);
  await client.cameras.delete(gone);
  await bridge(subscription);
  await expect.poll(() => retained(gone)).toEqual([]);
  await expect.poll(() => listener.newest("frigate/sightline/never-there")).toBe("");
  expect(retained(kept)).toEqual(topicsOf(kept));
  expect(listener.newest(`frigate/${gone}/motion`)).toBe("of another");
  expect(listener.newest("lights/hall")).toBeUndefined();
  // What the bridge before has left goes, too, with a camera that is removed now.
  await client.cameras.delete(kept);
  await expect.poll(() => retained(kept)).toEqual([]);
});

test("the bridge is online while it runs, offline when it stops and when it is killed", async () => {
  const available = () => listener.newest("frigate/available");
  const first = await bridge();
  await expect.poll(available).toBe("online");
  expect(await first.end()).toBe(0);
  await expect.poll(available).toBe("offline");
  const second = await bridge();
  await expect.poll(available).toBe("online");
  await second.end("SIGKILL");
  await expect.poll(available).toBe("offline");
});

test("other prefixes; nothing for Home Assistant when it is switched off", async () => {
  await bridge({ SIGHTLINE_MQTT_PREFIX: "home/cameras", SIGHTLINE_MQTT_DISCOVERY: "off" });
  await events.publish(++lastNumber);
  await expect.poll(() => listener.json("home/cameras/events").length).toBe(1);
  await expect.poll(() => listener.newest("home/cameras/front/person")).toBeDefined();
  expect(listener.heard.filter(({ topic }) => !topic.startsWith("home/cameras/"))).toEqual([]);
});

test("TLS, user and password; none of them are logged", async () => {
  const user = { name: "ha", password: "sesame" };
  const secure = await Mosquitto.start({ tls: true, user });
  open.push(() => secure.stop());
  const env = {
    SIGHTLINE_MQTT_URL: secure.url.replace("//", "//ha:sesame@"),
    SIGHTLINE_MQTT_SUBSCRIPTION: "mqtt-secure",
  };
  const distrustful = await BridgesProcess.start(results.address, env);
  open.push(() => distrustful.end());
  const faults = (running: BridgesProcess) =>
    running.log.filter(({ msg }) => msg.startsWith("cannot publish")).map(({ err }) => err?.message);
  await expect.poll(() => faults(distrustful)[0]).toMatch(/unable to (verify|get).*certificate/);
  await distrustful.end();
  const wrong = await BridgesProcess.start(results.address, {
    ...env,
    SIGHTLINE_MQTT_CA: secure.ca,
    SIGHTLINE_MQTT_PASSWORD: "open sesame",
  });
  open.push(() => wrong.end());
  await expect.poll(() => faults(wrong)[0]).toMatch(/Not authorized/);
  expect(await wrong.ready()).toBe(false);
  await wrong.end();
  const running = await bridge({ ...env, SIGHTLINE_MQTT_CA: secure.ca });
  await events.publish(++lastNumber);
  const delivered = 'sightline_bridge_deliveries_total{bridge="mqtt-secure",outcome="delivered"}';
  await expect.poll(() => running.metric(delivered)).toBeGreaterThan(0);
  for (const { log } of [distrustful, wrong, running]) expect(JSON.stringify(log)).not.toContain("sesame");
});
