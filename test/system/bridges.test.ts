import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { freePort } from "@sightline/service/testing";
import type { RtspCameras } from "@sightline/stack";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Listener, Mosquitto } from "../../services/bridges/src/testing/mosquitto.ts";
import type { Json } from "./grpc.ts";
import { System } from "./system.ts";

let system: System;
let broker: Mosquitto;
let listener: Listener;
let cameras: RtspCameras;
const posted: Json[] = [];
const receiver = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  posted.push(JSON.parse(body));
  response.writeHead(204).end();
});

beforeAll(async () => {
  system = await System.start();
  broker = await Mosquitto.start();
  listener = await Listener.connect(broker.url);
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const http = `127.0.0.1:${await freePort()}`;
  const webhook = {
    name: "all",
    url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
    secrets: [`whsec_${Buffer.alloc(24).toString("base64")}`],
    types: ["appeared"],
  };
  await system.stack.startService("bridges", {
    SIGHTLINE_GRPC_ADDRESS: `127.0.0.1:${system.ports.grpc}`,
    SIGHTLINE_BRIDGES_HTTP: http,
    SIGHTLINE_MQTT_URL: broker.url,
    SIGHTLINE_WEBHOOKS: JSON.stringify([webhook]),
  });
  await system.stack.ready("bridges", `http://${http}/readyz`, AbortSignal.timeout(100_000));
  cameras = await system.cameras(1);
  await system.register("front", { uri: cameras.url("camera-1") });
  const rules = {
    name: "cameras/front/rules",
    rules: [{ type: "EVENT_TYPE_APPEARED", classes: ["person"] }],
  };
  await system.client.call("RulesService/UpdateCameraRules", { rules });
  // From here on only who is known is let in: the bridges, by their token.
  const user = { userId: "admin", user: { role: "ROLE_ADMIN" }, password: "of the first admin" };
  await system.client.call("AccessService/CreateUser", user);
  await expect(system.client.call("CameraService/ListCameras")).rejects.toThrow("UNAUTHENTICATED");
});

afterAll(async () => {
  await system?.stop();
  await listener?.stop();
  await broker?.stop();
  receiver.close();
});

const told = (type: string) => listener.json("frigate/events").filter((message) => message.type === type);

test("people before a camera are told over MQTT, counted, and seen in a picture", async () => {
  await system.until(() => told("new").length > 0);
  const { after } = told("new")[0]!;
  expect(after).toMatchObject({ camera: "front", label: "person", region: [0, 0, 768, 576] });
  const [left, top, right, bottom] = after.box;
  expect(left < right && top < bottom && right <= 768 && bottom <= 576).toBe(true);
  await system.until(() => Number(listener.newest("frigate/front/person")) > 0);
  await system.until(() => listener.newest("frigate/front/status/detect") === "online");
  const picture = () => listener.heard.find(({ topic }) => topic === "frigate/front/person/snapshot");
  await system.until(() => picture() !== undefined);
  const { format, width = 0, height = 1 } = await sharp(picture()!.payload).metadata();
  expect(format).toBe("jpeg");
  expect(width / height).toBeCloseTo(768 / 576, 2);
});

test("they are a review item, an alert, of events that are told", async () => {
  const reviews = () => listener.json("frigate/reviews");
  await system.until(() => reviews().length > 0);
  const { type, before, after } = reviews()[0]!;
  expect(type).toBe("new");
  expect(before).toEqual(after);
  expect(after).toMatchObject({ camera: "front", severity: "alert", data: { objects: ["person"] } });
  const [first] = after.data.detections;
  await system.until(() => told("new").some((message) => message.after.id === first));
  await system.until(() => listener.newest("frigate/front/review_status") !== undefined);
});

test("the same event is posted to a webhook", async () => {
  await system.until(() => told("new").length > 0 && posted.length > 0);
  const { name } = told("new")[0]!.sightline;
  await system.until(() => posted.some(({ data }) => data.name === name && data.phase === "start"));
});

test("a broker that has forgotten the picture is given one again", async () => {
  await broker.down("SIGKILL");
  await broker.up();
  const later = await Listener.connect(broker.url);
  const picture = () => later.heard.find(({ topic }) => topic === "frigate/front/person/snapshot");
  await system.until(() => picture() !== undefined);
  expect((await sharp(picture()!.payload).metadata()).format).toBe("jpeg");
  await later.stop();
});

test("when the camera is gone, nobody is before it any more", async () => {
  await cameras.stop();
  await system.until(() => listener.newest("frigate/front/status/detect") === "offline");
  await system.until(() => listener.newest("frigate/front/person") === "0");
  const ids = (type: string) => new Set(told(type).map(({ after }) => after.id));
  await system.until(() => ids("new").difference(ids("end")).size === 0);
  await system.until(() => listener.newest("frigate/front/review_status") === "NONE");
  const items = (type: string) =>
    listener.json("frigate/reviews").flatMap((message) => (message.type === type ? [message.after.id] : []));
  await system.until(() => items("end").length === items("new").length);
  expect(new Set(items("new")).size).toBe(items("new").length);
  expect(items("end")).toEqual(items("new"));
}, 200_000);
