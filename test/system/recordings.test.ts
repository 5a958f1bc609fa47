import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type SightlineClient } from "@sightline/client";
import { findFfmpeg } from "@sightline/rtsp";
import { freePort } from "@sightline/service/testing";
import { projectRoot } from "@sightline/stack";
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

/** The picture of a video at a time from its beginning, in milliseconds. */
function pictureAt(file: string, milliseconds: number) {
  const seek = ["-ss", (milliseconds / 1000).toFixed(3), "-i", file, "-frames:v", "1"];
  return decodePicture(
    execFileSync(ffmpeg, ["-v", "error", ...seek, "-f", "image2pipe", "-c:v", "ppm", "pipe:1"], {
      maxBuffer: 1e8,
    }),
  );
}

async function startOfEvent(): Promise<Json> {
  const request = {
    filter: { cameras: ["cameras/front"], types: ["EVENT_TYPE_APPEARED"], phases: ["EVENT_PHASE_START"] },
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
}, 240_000);

test("what is recorded is listed, played by a playlist, and deleted", async () => {
  const cameras = await system.cameras(1);
  await client.cameras.register("yard", { uri: cameras.url("camera-1"), recording: { mode: "continuous" } });
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
    await client.cameras.register(id, { uri: cameras.url("camera-1"), recording: { mode: "continuous" } });
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
  }
}, 240_000);
