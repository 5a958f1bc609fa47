import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { classColor } from "@sightline/annotate";
import { findFfmpeg } from "@sightline/rtsp";
import { projectRoot } from "@sightline/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clipFrameOf, clipFrames, decodePicture, type Pixels } from "./clip-frames.ts";
import type { Json } from "./grpc.ts";
import { System } from "./system.ts";

let system: System;
let ffmpeg: string;

beforeAll(async () => {
  ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  system = await System.start();
  const cameras = await system.cameras(1);
  await system.register("front", { uri: cameras.url("camera-1") });
  await system.frames("front", 5);
});

afterAll(() => system?.stop());

/** R, G, B bytes of a JPEG and its size. */
function decode(jpeg: Buffer): Pixels {
  const args = ["-v", "error", "-i", "pipe:0", "-f", "image2pipe", "-c:v", "ppm", "pipe:1"];
  return decodePicture(execFileSync(ffmpeg, args, { input: jpeg, maxBuffer: 1e8 }));
}

/** The clip's frame with this number: the server plays it in a loop from its first frame. */
const frameOfNumber = (number: number | string) => (Number(number) - 1) % clipFrames;

/** Whether a pixel has the colour in which a class's boxes are drawn. */
function isDrawn({ pixels, width }: Pixels, x: number, y: number, classId: number): boolean {
  const at = 3 * (y * width + x);
  return classColor(classId).every((value, i) => Math.abs(value - pixels[at + i]!) < 60);
}

/** Share of the pixels along a box's left edge that are drawn. */
function drawnShare(picture: Pixels, box: Json, classId: number): number {
  const x = Math.min(picture.width - 1, Math.round((box.xMin ?? 0) * picture.width) + 1);
  const [top, bottom] = [box.yMin ?? 0, box.yMax].map((y) => Math.round(y * picture.height));
  const rows = Array.from({ length: Math.max(0, bottom! - top! - 4) }, (_, i) => top! + 2 + i);
  return rows.filter((y) => isDrawn(picture, x, y, classId)).length / rows.length;
}

/** What a command of the command line prints. @throws when it fails */
function sightline(...args: string[]): string {
  const server = `127.0.0.1:${system.ports.grpc}`;
  return execFileSync(join(projectRoot, "sightline"), [...args, "--server", server], {
    encoding: "utf8",
    stdio: "pipe",
  });
}

async function cameraSnapshot(annotated: boolean): Promise<Json> {
  return system.client.call("CameraService/GetCameraSnapshot", { name: "cameras/front", annotated });
}

test("a camera's snapshot is of the frame that it names", async () => {
  const { contentType, content, frame } = await cameraSnapshot(false);
  expect(contentType).toBe("image/jpeg");
  const picture = decode(Buffer.from(content, "base64"));
  expect(picture.width / picture.height).toBeCloseTo(768 / 576, 2);
  expect(clipFrameOf(ffmpeg, picture)).toBe(frameOfNumber(frame.number));
});

test("the boxes in an annotated snapshot are those of its frame", async () => {
  const seen = new Map<string, Json>();
  let snapshot: Json;
  const request = { cameras: ["cameras/front"], includeEmpty: true };
  for await (const { frame: event } of system.client.stream(
    "DetectionService/SubscribeDetections",
    request,
  )) {
    if (!event) continue;
    seen.set(event.frame.number, event);
    snapshot ??= seen.size >= 3 ? await cameraSnapshot(true) : undefined;
    if (snapshot && Number(event.frame.number) >= Number(snapshot.frame.number)) break;
  }
  const picture = decode(Buffer.from(snapshot.content, "base64"));
  expect(clipFrameOf(ffmpeg, picture)).toBe(frameOfNumber(snapshot.frame.number));
  const { detections } = seen.get(snapshot.frame.number);
  expect(detections.length).toBeGreaterThan(0);
  // Boxes and labels of others may lie over an edge.
  for (const { normalizedBox, classId = 0 } of detections)
    expect(drawnShare(picture, normalizedBox, classId)).toBeGreaterThan(0.5);
});

test("the command line saves a snapshot", () => {
  const file = join(system.directory, "front.jpg");
  const run = (...args: string[]) => sightline("camera", "snapshot", ...args);
  expect(run("front", "--out", file, "--annotated")).toMatch(
    /front\.jpg: \d+×\d+, frame \d+ of 2\d{3}-.*Z, \d+ bytes\n/,
  );
  expect(decode(readFileSync(file)).width).toBeGreaterThan(100);
  expect(() => run("nobody")).toThrow(/camera 'nobody'/);
});

test("an event has the picture of its frame, plain and with its object", async () => {
  const rules = {
    name: "cameras/front/rules",
    rules: [{ type: "EVENT_TYPE_APPEARED", classes: ["person"] }],
  };
  await system.client.call("RulesService/UpdateCameraRules", { rules });
  const request = { filter: { cameras: ["cameras/front"], phases: ["EVENT_PHASE_START"] } };
  let event: Json;
  for await (const { happened } of system.client.stream("EventService/SubscribeEvents", request)) {
    event = happened;
    if (event?.snapshotFrame) break;
  }
  const get = (annotated: boolean): Promise<Json> =>
    system.client
      .call("EventService/GetEventSnapshot", { name: event.name, annotated })
      .catch(() => undefined);
  await system.until(async () => (await get(false)) !== undefined);
  const [plain, drawn] = [await get(false), await get(true)];
  const picture = decode(Buffer.from(plain.content, "base64"));
  expect(clipFrameOf(ffmpeg, picture)).toBe(frameOfNumber(plain.frame.number));
  // A better view may have taken its place since.
  expect(Number(plain.frame.number)).toBeGreaterThanOrEqual(Number(event.snapshotFrame.number));
  if (drawn.frame.number === event.frame.number) {
    const { normalizedBox, classId = 0 } = event.track;
    expect(drawnShare(decode(Buffer.from(drawn.content, "base64")), normalizedBox, classId)).toBeGreaterThan(
      0.5,
    );
  }
  expect(drawn.content).not.toBe(plain.content);

  const folder = join(system.directory, "pictures");
  const [, camera, , id] = event.name.split("/");
  const listed = sightline("events", "--id", `${camera}/${id}`, "--pictures", folder, "--json");
  const file = join(folder, `${camera}-${id}.jpg`);
  expect(JSON.parse(listed)).toMatchObject({ camera, id, picture: file });
  const saved = decode(readFileSync(file));
  expect(saved.width / saved.height).toBeCloseTo(768 / 576, 2);
  // A better view may have taken its place here, too, and of the model's size where decoding has had its share of the machine.
  const stored = await get(false);
  if (stored.frame.number === plain.frame.number) {
    expect([saved.width, saved.height]).toEqual([picture.width, picture.height]);
    expect(clipFrameOf(ffmpeg, saved)).toBe(frameOfNumber(plain.frame.number));
  }
  const boxed = join(system.directory, "boxed");
  const several = sightline(
    "events",
    "--camera",
    "front",
    "--limit",
    "3",
    "--pictures",
    boxed,
    "--annotated",
  );
  expect(several.match(/boxed\/front-\S+\.jpg/g)?.sort()).toEqual(
    readdirSync(boxed)
      .map((name) => `boxed/${name}`)
      .sort(),
  );
  expect(readdirSync(boxed).length).toBeGreaterThan(0);
});

test("pictures cost what is asked for: the metrics count them", async () => {
  const ingest = await system.metrics("ingest");
  expect(ingest.sum("sightline_pictures_total", { outcome: "made" })).toBeGreaterThanOrEqual(4);
  const results = await system.metrics("results");
  expect(results.sum("sightline_snapshots_stored_total")).toBeGreaterThan(0);
});
