import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Json } from "./grpc.ts";
import { System } from "./system.ts";

// Nobody else's processes have these words on their command lines.
const password = `correct-horse-${randomUUID()}`;
const wrongPassword = `wrong-${randomUUID()}`;
let system: System;

beforeAll(async () => {
  system = await System.start({ SIGHTLINE_STALL_SECONDS: "2" });
});

afterAll(() => system?.stop());

const downFor = (reason: string) => (camera: Json) =>
  camera.status?.state === "CAMERA_STATE_DOWN" && camera.status.reason === `CAMERA_REASON_${reason}`;
const live = (camera: Json) => camera.status?.state === "CAMERA_STATE_LIVE";

test("a wrong password is told as such, the right one works, and neither is ever shown", async () => {
  const cameras = await system.cameras(1, { user: "admin", password });
  const url = (secret: string) => cameras.url("camera-1").replace("rtsp://", `rtsp://admin:${secret}@`);
  const registered = await system.register("gate", { uri: url(wrongPassword) });
  expect(registered).toMatchObject({ uri: cameras.url("camera-1"), hasCredentials: true });
  await system.cameraThat("gate", downFor("UNAUTHORIZED"));

  const camera = { name: "cameras/gate", uri: url(password) };
  await system.client.call("CameraService/UpdateCamera", { camera, updateMask: "uri" });
  const shown = await system.cameraThat("gate", live);
  await system.frames("gate", 3);

  const logs = join(system.directory, "logs");
  const texts = readdirSync(logs).map((file) => readFileSync(join(logs, file), "utf8"));
  texts.push(JSON.stringify(shown), JSON.stringify(await system.client.call("CameraService/ListCameras")));
  for (const service of ["results", "ingest", "inference"] as const)
    texts.push(await (await fetch(`http://127.0.0.1:${system.ports[service]}/metrics`)).text());
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      texts.push(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    } catch {
      // The process ended between the listing and the reading.
    }
  const ourselves = texts.filter(
    (text) => !text.includes("rtsp-camera.py") && !text.includes("grpc-client.py"),
  );
  for (const text of ourselves) {
    expect(text).not.toContain(password);
    expect(text).not.toContain(wrongPassword);
  }
  await system.remove("gate");
});

test("hosts and paths that are not there are told apart", async () => {
  const cameras = await system.cameras(1);
  await system.register("refused", { uri: `rtsp://127.0.0.1:${await freePort()}/x` });
  await system.register("nowhere", { uri: "rtsp://no-such-host.invalid/x" });
  await system.register("no-path", { uri: `rtsp://${cameras.address}/no-such-stream` });
  await system.cameraThat("refused", downFor("CONNECTION_REFUSED"));
  await system.cameraThat("nowhere", downFor("DNS_FAILURE"));
  await system.cameraThat("no-path", downFor("NOT_FOUND"));
  for (const id of ["refused", "nowhere", "no-path"]) await system.remove(id);
});

test("a camera that dies and returns is live again, and its frames stay accounted for", async () => {
  const cameras = await system.cameras(1);
  await system.register("yard", { uri: cameras.url("camera-1") });
  await system.frames("yard", 5);
  await cameras.fault("die");
  await system.cameraThat("yard", (camera) => camera.status?.state === "CAMERA_STATE_DOWN");
  await cameras.fault("revive");
  await system.cameraThat("yard", live);
  await system.frames("yard", 5);
  const ledger = await system.ledger("yard");
  expect(ledger.captured).toBe(ledger.inferred + ledger.dropped + ledger.inFlight);
  const scrape = await system.metrics("ingest");
  expect(scrape.sum("sightline_camera_reconnects_total", { camera: "yard" })).toBeGreaterThan(0);
  await system.remove("yard");
});

test("a camera that sends garbage does not touch another, and recovers", async () => {
  const [broken, healthy] = [await system.cameras(1), await system.cameras(1)];
  await system.register("broken", { uri: broken.url("camera-1") });
  await system.register("healthy", { uri: healthy.url("camera-1") });
  await system.frames("broken", 5);
  const { epoch } = (await system.cameraThat("healthy", live)).status;
  await broken.fault("garbage");
  await system.cameraThat("broken", (camera) => camera.status?.state === "CAMERA_STATE_DOWN");
  await system.frames("healthy", 20);
  const reconnects = await system.metrics("ingest");
  expect(reconnects.sum("sightline_camera_reconnects_total", { camera: "healthy" })).toBe(0);
  expect((await system.camera("healthy")).status.epoch).toBe(epoch);
  await broken.fault("resume");
  await system.cameraThat("broken", live);
  await system.frames("broken", 5);
  for (const id of ["broken", "healthy"]) {
    const ledger = await system.ledger(id);
    expect(ledger.captured).toBe(ledger.inferred + ledger.dropped + ledger.inFlight);
    await system.remove(id);
  }
});

test("a camera that stalls is told as such", async () => {
  const cameras = await system.cameras(1);
  await system.register("still", { uri: cameras.url("camera-1") });
  await system.frames("still", 3);
  await cameras.fault("stall");
  await system.cameraThat("still", downFor("STALLED"));
  await cameras.fault("resume");
  await system.cameraThat("still", live);
  await system.remove("still");
});
