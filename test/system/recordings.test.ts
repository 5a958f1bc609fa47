import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect, type SightlineClient } from "@sightline/client";
import { numberedVideo, shownNumbers } from "@sightline/recording/testing";
import { findFfmpeg } from "@sightline/rtsp";
import { readClip, ScriptedCamera } from "@sightline/rtsp/testing";
import { freePort } from "@sightline/service/testing";
import { projectRoot } from "@sightline/stack";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clipFrameOf, clipFrames, decodePicture } from "./clip-frames.ts";
import type { Json } from "./grpc.ts";
import { System } from "./system.ts";

let system: System;
let client: SightlineClient;
let ffmpeg: string;
let origin: string;

beforeAll(async () => {
  ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  system = await System.start();
  client = connect(`127.0.0.1:${system.ports.grpc}`);
  origin = `http://127.0.0.1:${system.ports.results}/api/v1`;
});

afterAll(async () => {
  client?.close();
  await system?.stop();
});

/** What a command of the command line prints. @throws when it fails */
function sightline(...args: string[]): string {
  const server = `127.0.0.1:${system.ports.grpc}`;
  return execFileSync(join(projectRoot, "sightline"), [...args, "--server", server], {
    encoding: "utf8",
    stdio: "pipe",
  });
}

/** The same for one that needs no server. Cameras of this process go on meanwhile. */
async function sightlineAlone(...args: string[]): Promise<string> {
  return (await promisify(execFile)(join(projectRoot, "sightline"), args)).stdout;
}

/** The picture of a video at a time from its beginning, in milliseconds. */
function pictureAt(file: string, milliseconds: number) {
  const seek = ["-ss", (milliseconds / 1000).toFixed(3), "-i", file, "-frames:v", "1"];
  return decodePicture(
    execFileSync(ffmpeg, ["-v", "error", ...seek, "-f", "image2pipe", "-c:v", "ppm", "pipe:1"], {
      maxBuffer: 1e8,
    }),
  );
}

async function startOfEvent(camera = "front"): Promise<Json> {
  const request = {
    filter: { cameras: [`cameras/${camera}`], types: ["EVENT_TYPE_APPEARED"], phases: ["EVENT_PHASE_START"] },
  };
  for await (const { happened } of system.client.stream("EventService/SubscribeEvents", request))
    if (happened?.hasClip) return happened;
  throw new Error("the subscription ended");
}

test("an event's clip holds its moment, on the command line, over HTTP in parts, and in the SDK", async () => {
  const cameras = await system.cameras(1);
  await system.register("front", { uri: cameras.url("camera-1") });
  await system.cameraThat("front", ({ status }) => status.recording?.active);
  const rules = {
    name: "cameras/front/rules",
    rules: [{ type: "EVENT_TYPE_APPEARED", classes: ["person"] }],
  };
  await system.client.call("RulesService/UpdateCameraRules", { rules });
  const { name, frame } = await startOfEvent();
  const captured = Date.parse(frame.captureTime);
  const [, camera, , id] = name.split("/");
  const file = join(system.directory, "clip.mp4");
  await system.until(async () => {
    const clip = await client.events.clip(name).catch(() => undefined);
    await clip?.content.return();
    return clip !== undefined && clip.to.getTime() > captured + 1_000;
  });
  const saved: { from: string; to: string; bytes: number } = JSON.parse(
    sightline("events", "clip", `${camera}/${id}`, "--out", file, "--json"),
  );
  expect(readFileSync(file)).toHaveLength(saved.bytes);
  expect(Date.parse(saved.from)).toBeLessThan(captured);
  const picture = pictureAt(file, captured - Date.parse(saved.from));
  const expected = (Number(frame.number) - 1) % clipFrames;
  // Pictures are timed by the stream in the file and by their arrival in events, which may differ by a few.
  const off = Math.abs(clipFrameOf(ffmpeg, picture) - expected);
  expect(Math.min(off, clipFrames - off)).toBeLessThanOrEqual(3);

  const url = `${origin}/events/${camera}/${id}/clip`;
  const [whole, part, none] = await Promise.all(
    [undefined, "bytes=100-299", "bytes=99999999999-"].map((range) =>
      fetch(url, { headers: range === undefined ? {} : { range } }),
    ),
  );
  expect(whole).toMatchObject({ status: 200 });
  expect(whole!.headers.get("accept-ranges")).toBe("bytes");
  const bytes = Buffer.from(await whole!.arrayBuffer());
  expect(part).toMatchObject({ status: 206 });
  expect(none).toMatchObject({ status: 416 });
  expect(Buffer.from(await part!.arrayBuffer())).toHaveLength(200);
  expect(bytes.subarray(4, 8).toString()).toBe("ftyp");
  const shown = (await (await fetch(`${origin}/events/${camera}/${id}`)).json()) as Json;
  expect(shown.hasClip).toBe(true);
  await system.remove("front");
}, 240_000);

test("of a camera with a sub-stream and a main stream, the clip of an event is of the main stream and holds its moment", async () => {
  const sub = await system.cameras(1);
  // Pictures that show their numbers, by a camera that knows when it sent each.
  const clip = await numberedVideo({ size: [1280, 720], seconds: 40, rate: 10, keyEvery: 10 });
  const sentAt: number[] = [];
  const main = await ScriptedCamera.start({
    login: { username: "viewer", password: "s3cret", offers: ["MD5"] },
    tracks: [
      {
        clip,
        picture: (sent) => {
          sentAt[sent.index] = Date.now();
          return sent;
        },
      },
    ],
  });
  const recordUri = main.url().replace("rtsp://", "rtsp://viewer:s3cret@");
  const probe = await sightlineAlone("camera", "probe", sub.url("camera-1"), "--record-uri", recordUri);
  expect(probe).toMatch(/h264 768x576, [\s\S]* h264 1280x720, 10 fps/);
  sightline("camera", "add", "gate", sub.url("camera-1"), "--record-uri", recordUri, "--no-probe");
  await system.cameraThat("gate", ({ status }) => status.recording?.active);
  const rules = { name: "cameras/gate/rules", rules: [{ type: "EVENT_TYPE_APPEARED", classes: ["person"] }] };
  await system.client.call("RulesService/UpdateCameraRules", { rules });
  const { name, frame } = await startOfEvent("gate");
  const captured = Date.parse(frame.captureTime);
  await system.until(async () => {
    const found = await client.events.clip(name).catch(() => undefined);
    await found?.content.return();
    return found !== undefined && found.to.getTime() > captured + 1_000;
  });
  const file = join(system.directory, "gate.mp4");
  const [, camera, , id] = name.split("/");
  const saved: { from: string } = JSON.parse(
    sightline("events", "clip", `${camera}/${id}`, "--out", file, "--json"),
  );
  const numbers = await shownNumbers(file);
  const shown = numbers[Math.round((captured - Date.parse(saved.from)) / 100)]!;
  const sent = sentAt.findLastIndex((at) => at <= captured) % clip.units.length;
  const off = Math.abs(shown - sent);
  expect(Math.min(off, clip.units.length - off)).toBeLessThanOrEqual(3);
  const text = sightline("camera", "get", "gate");
  expect(text).toMatch(/^its stream +live, 1280×720 h264, /m);
  expect(text).toMatch(/^picture +768×576 /m);
  // The picture of the event has its boxes, so it is of the frame that they were found in.
  const event = (await client.events.get(name))!;
  const picture = await client.events.snapshot(event.name);
  expect((await sharp(picture.jpeg).metadata()).width).toBeLessThanOrEqual(768);
  await system.remove("gate");
  await main.stop();
}, 240_000);

test("what is recorded is listed, played by a playlist, and deleted", async () => {
  const cameras = await system.cameras(1);
  // Here and where nothing is detected, few frames are inferred: that takes far more of the processor than to record.
  const yard = { uri: cameras.url("camera-1"), targetFps: 1 };
  await client.cameras.register("yard", { ...yard, recording: { mode: "continuous" } });
  await system.until(async () => {
    const [span] = await client.recordings.spans("yard").catch(() => []);
    return span !== undefined && span.to.getTime() - span.from.getTime() > 12_000;
  });
  const [span] = await client.recordings.spans("yard");
  expect(span).toMatchObject({ codec: "h264", width: 768, height: 576, eventsOnly: false, audio: false });
  expect(sightline("camera", "recording", "yard")).toMatch(
    /^FROM .*\n\S+ +\S+ +\d+ s +h264 768×576 +no +always +\S+$/m,
  );
  const range = `from=${span!.from.toISOString()}&to=${span!.to.toISOString()}`;
  const playlist = `${origin}/cameras/yard/recording/playlist.m3u8?${range}`;
  const text = await (await fetch(playlist)).text();
  expect(text).toMatch(/^#EXTM3U\n/);
  expect(text.match(/^segments\//gm)?.length).toBeGreaterThanOrEqual(2);
  // ffmpeg plays it as any player does.
  const log = execFileSync(ffmpeg, ["-v", "error", "-i", playlist, "-f", "framemd5", "-"], {
    encoding: "utf8",
  });
  expect(log.split("\n").filter((line) => line.startsWith("0,")).length).toBeGreaterThan(100);

  const file = join(system.directory, "yard.mp4");
  const [from, to] = [span!.from.toISOString(), new Date(span!.from.getTime() + 5_000).toISOString()];
  expect(sightline("camera", "recording", "yard", "--from", from, "--to", to, "--out", file)).toMatch(
    /yard\.mp4: .* MiB\n$/,
  );
  expect(clipFrameOf(ffmpeg, pictureAt(file, 2_000))).toBeGreaterThanOrEqual(0);
  const archive = join(system.directory, "yard.tar");
  const exported = sightline("camera", "export", "yard", "--from", from, "--to", to, "--out", archive);
  expect(exported).toMatch(/yard\.tar: .* 1 videos\n$/);
  execFileSync("tar", ["-xf", archive], { cwd: system.directory });
  const manifest: { files: { name: string }[] } = JSON.parse(
    readFileSync(join(system.directory, "yard", "manifest.json"), "utf8"),
  );
  const recording = manifest.files.find(({ name }) => name.startsWith("recordings/"))!;
  const exportedVideo = join(system.directory, "yard", recording.name);
  expect(clipFrameOf(ffmpeg, pictureAt(exportedVideo, 2_000))).toBe(
    clipFrameOf(ffmpeg, pictureAt(file, 2_000)),
  );
  await client.cameras.update("yard", { recording: { mode: "off" } });
  await system.cameraThat("yard", ({ status }) => status.recording?.mode === "RECORDING_MODE_OFF");
  const deleted = await (await fetch(`${origin}/cameras/yard/recording`, { method: "DELETE" })).json();
  expect(deleted).toMatchObject({ deletedSegments: expect.any(Number) });
  expect(() => sightline("camera", "recording", "yard", "--from", from, "--to", to, "--out", file)).toThrow(
    /recording is off; .*--record events/,
  );
  await expect(client.recordings.spans("nobody")).rejects.toMatchObject({ reason: "camera_not_found" });
  const far = { from: new Date(0), to: new Date(7_200_000) };
  await expect(client.recordings.video("yard", far)).rejects.toMatchObject({ reason: "invalid_argument" });
  await client.cameras.delete("yard");
}, 240_000);

/** Pixels in magenta around the painted part, in an image or in all pictures of a video. */
function magentaPixels(input: string, data?: Uint8Array): number {
  const part = "crop=iw*0.3:ih*0.25:iw*0.7:0,format=rgb24";
  const args = ["-v", "error", "-i", input, "-vf", part, "-f", "rawvideo", "pipe:1"];
  const pixels = execFileSync(ffmpeg, args, { maxBuffer: 2e9, ...(data && { input: data }) });
  expect(pixels.length).toBeGreaterThan(0);
  let count = 0;
  for (let at = 0; at < pixels.length; at += 3)
    if (pixels[at]! > 120 && pixels[at + 1]! < 90 && pixels[at + 2]! > 120) count += 1;
  return count;
}

test("what a privacy mask hides is in no snapshot, picture of an event, clip, recording or playlist", async () => {
  const paint = "drawbox=x=iw*0.75:y=0:w=iw*0.2:h=ih*0.2:c=magenta:t=fill";
  const clip = await readClip({
    encode: ["-vf", paint, "-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-bf", "0"],
  });
  const camera = await ScriptedCamera.start({ tracks: [{ clip }] });
  try {
    await client.cameras.register("open", { uri: camera.url() });
    await system.until(async () => {
      const open = await client.cameras.snapshot("open").catch(() => undefined);
      return open !== undefined && magentaPixels("pipe:0", open.jpeg) > 100;
    });
    await client.cameras.delete("open");

    const mask = "0.72,0 0.98,0 0.98,0.23 0.72,0.23";
    sightline(
      "camera",
      "add",
      "masked",
      camera.url(),
      "--no-probe",
      "--record",
      "continuous",
      "--privacy-mask",
      mask,
    );
    await system.client.call("RulesService/UpdateCameraRules", {
      rules: { name: "cameras/masked/rules", rules: [{ type: "EVENT_TYPE_APPEARED", classes: ["person"] }] },
    });
    const request = { filter: { cameras: ["cameras/masked"] } };
    let event: Json;
    for await (const { happened } of system.client.stream("EventService/SubscribeEvents", request)) {
      event = happened;
      if (event?.hasClip && event.snapshotFrame) break;
    }
    const pictures = await Promise.all([
      client.cameras.snapshot("masked"),
      client.cameras.snapshot("masked", { annotated: true }),
      client.cameras.snapshot("masked", { modelFrame: true }),
      client.events.snapshot(event.name),
      client.events.snapshot(event.name, { annotated: true }),
    ]);
    for (const { jpeg } of pictures) expect(magentaPixels("pipe:0", jpeg)).toBe(0);

    const captured = Date.parse(event.frame.captureTime);
    await system.until(async () => {
      const spans = await client.recordings.spans("masked").catch(() => []);
      return spans.some(({ to }) => to.getTime() > captured + 6_000);
    });
    const [span] = await client.recordings.spans("masked");
    const [from, to] = [span!.from.toISOString(), new Date(captured + 5_000).toISOString()];
    const id = event.name.split("/").at(-1);
    const files = ["masked-clip.mp4", "masked-range.mp4"].map((name) => join(system.directory, name));
    sightline("events", "clip", `masked/${id}`, "--out", files[0]!);
    sightline("camera", "recording", "masked", "--from", from, "--to", to, "--out", files[1]!);
    const playlist = `${origin}/cameras/masked/recording/playlist.m3u8?from=${from}&to=${to}`;
    for (const video of [...files, playlist]) expect(magentaPixels(video)).toBe(0);

    await client.cameras.delete("masked");
    const kept = async (name: string) =>
      Promise.all(
        [client.events.get(name), client.events.snapshot(name), client.events.clip(name)].map((call) =>
          call.then(() => "kept").catch(({ reason }) => reason),
        ),
      );
    const start = Date.parse(event.startTime);
    const iso = (ms: number) => new Date(ms).toISOString();
    const [first, last] = [iso(start), iso(start + 1)];
    expect(sightline("camera", "forget", "masked", "--from", first, "--to", last)).toMatch(
      /^deleted of masked: [1-9]\d* events, \d+ pictures, detections of \d+ frames, 0\.0 MiB of video \(0 files\)\n$/,
    );
    expect((await kept(event.name))[0]).toBe("event_not_found");
    const forgotten = JSON.parse(sightline("camera", "forget", "masked", "--all", "--json"));
    expect(forgotten).toMatchObject({
      name: "masked",
      events: expect.any(Number),
      pictures: expect.any(Number),
    });
    expect(forgotten.segments).toBeGreaterThan(0);
    expect(await kept(event.name)).toEqual(["event_not_found", "snapshot_not_found", "event_not_found"]);
    const left = [];
    for await (const each of client.events.list({ filter: { cameras: ["masked"] } })) left.push(each);
    expect(left).toEqual([]);
    await expect(client.recordings.spans("masked")).rejects.toMatchObject({ reason: "camera_not_found" });
  } finally {
    await client.cameras.delete("masked").catch(() => undefined);
    await camera.stop();
  }
}, 240_000);

test("of two ingests the one that has the recording is found", async () => {
  const port = await freePort();
  await system.stack.startService(
    "ingest",
    {
      SIGHTLINE_INGEST_HTTP: `127.0.0.1:${port}`,
      SIGHTLINE_INGEST_ID: "ingest-2",
      SIGHTLINE_RECORDINGS_DIRECTORY: join(system.directory, "recordings-2"),
    },
    "ingest-2",
  );
  await system.stack.ready("ingest-2", `http://127.0.0.1:${port}/readyz`, AbortSignal.timeout(60_000));
  const cameras = await system.cameras(1);
  const holders = new Map<string, string>();
  await system.until(async () => {
    const id = `camera-${holders.size + 1}`;
    const camera = { uri: cameras.url("camera-1"), targetFps: 1 };
    await client.cameras.register(id, { ...camera, recording: { mode: "continuous" } });
    const { status } = await system.cameraThat(id, ({ status }) => status.recording?.active);
    holders.set(id, status.ingest);
    return new Set(holders.values()).size === 2;
  });
  for (const [id, ingest] of holders) {
    await system.until(async () => (await client.recordings.spans(id).catch(() => [])).length > 0);
    const [span] = await client.recordings.spans(id);
    expect(span!.ingest).toBe(ingest);
    const video = await client.recordings.video(id, span!);
    let bytes = 0;
    for await (const chunk of video.content) bytes += chunk.byteLength;
    expect(bytes).toBe(video.sizeBytes);
    await client.cameras.delete(id);
  }
}, 240_000);

test("an event whose picture could not be decoded when it happened shows its moment from the recording", async () => {
  // Room for two frames as the model sees them, and none for the compressed pictures of a second.
  const narrow = await System.start({
    SIGHTLINE_PICTURE_CAMERA_BYTES: "1200000",
    SIGHTLINE_PICTURE_SECONDS: "0.1",
  });
  try {
    const cameras = await narrow.cameras(1);
    await narrow.register("front", { uri: cameras.url("camera-1"), targetFps: 4 });
    const rules = {
      name: "cameras/front/rules",
      rules: [{ type: "EVENT_TYPE_APPEARED", classes: ["person"] }],
    };
    await narrow.client.call("RulesService/UpdateCameraRules", { rules });
    const ended = async (): Promise<Json[]> => {
      const filter = { types: ["EVENT_TYPE_APPEARED"] };
      const { events = [] } = await narrow.client.call("EventService/ListEvents", { filter });
      return events.filter(
        ({ endTime, snapshotFrame, hasClip }: Json) => endTime && snapshotFrame && hasClip,
      );
    };
    await narrow.until(async () => (await ended()).length > 0);
    const [event] = await ended();
    const [, camera, , id] = event!.name.split("/");
    const url = `http://127.0.0.1:${narrow.ports.results}/api/v1/events/${camera}/${id}/snapshot`;
    const picture = async () => Buffer.from(await (await fetch(url)).arrayBuffer());
    await narrow.until(async () => (await sharp(await picture()).metadata()).width === 768);
    // Kept now, and found without the camera, its recordings and ingest.
    const ingest = narrow.stack.process("ingest");
    ingest.child.kill("SIGKILL");
    await ingest.exited;
    const kept = await picture();
    const args = ["-v", "error", "-i", "pipe:0", "-f", "image2pipe", "-c:v", "ppm", "pipe:1"];
    const pixels = decodePicture(execFileSync(ffmpeg, args, { input: kept, maxBuffer: 1e8 }));
    expect(pixels).toMatchObject({ width: 768, height: 576 });
    const expected = (Number(event!.snapshotFrame.number) - 1) % clipFrames;
    expect(clipFrameOf(ffmpeg, pixels)).toBe(expected);
  } finally {
    await narrow.stop();
  }
}, 240_000);
