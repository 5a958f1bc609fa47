import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CameraReason, CameraState, type CameraStatus } from "@sightline/contracts";
import { findFfmpeg } from "@sightline/rtsp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { balances, IngestRig } from "./testing/ingest-rig.ts";

const clip = fileURLToPath(new URL("../../../test/fixtures/pedestrians.mp4", import.meta.url));
let rig: IngestRig;
let folder: string;
let ffmpeg: string;

beforeAll(async () => {
  rig = await IngestRig.start();
  folder = mkdtempSync(join(tmpdir(), "sightline-sources-"));
  mkdirSync(join(folder, "files"));
  ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  const short = [
    "-t",
    "2",
    "-an",
    "-c:v",
    "libx264",
    "-bf",
    "2",
    "-g",
    "25",
    join(folder, "files", "short.mp4"),
  ];
  expect(spawnSync(ffmpeg, ["-nostdin", "-loglevel", "error", "-i", clip, ...short]).status).toBe(0);
  await rig.ingest("ingest-1", {
    SIGHTLINE_SOURCE_FILES: join(folder, "files"),
    SIGHTLINE_RECORDINGS_DIRECTORY: join(folder, "recordings"),
    SIGHTLINE_RECORDING: "continuous",
    SIGHTLINE_STALL_SECONDS: "5",
  });
}, 120_000);

afterAll(async () => {
  await rig?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const live = ({ state }: CameraStatus) => state === CameraState.LIVE;
const downFor = (wanted: CameraReason) => (status: CameraStatus) =>
  status.state === CameraState.DOWN && status.reason === wanted;
const login = { username: "admin", password: "p@ss:w" };

/** An MJPEG camera that asks for a password: `ffmpeg` makes its stream. */
async function mjpegCamera(port = 0): Promise<Server> {
  const server = createServer((request, response) => {
    const given = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
    if (request.headers.authorization !== given)
      return void response.writeHead(401, { "www-authenticate": 'Basic realm="cam"' }).end();
    response.writeHead(200, { "content-type": "multipart/x-mixed-replace;boundary=ffmpeg" });
    const encode = ["-vf", "scale=640:-2,fps=10", "-q:v", "5", "-f", "mpjpeg", "pipe:1"];
    const input = ["-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", clip];
    const child = spawn(ffmpeg, [...input, ...encode], { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.pipe(response);
    response.once("close", () => child.kill("SIGKILL"));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

test("an MJPEG camera is analysed, comes back after it was away, and says why it is not recorded", async () => {
  let camera = await mjpegCamera();
  const { port } = camera.address() as AddressInfo;
  const uri = `http://127.0.0.1:${port}/video`;
  await rig.register("mjpeg", { uri }, { ...login, password: "wrong" });
  await rig.statusThat("mjpeg", downFor(CameraReason.UNAUTHORIZED));
  await rig.register("mjpeg", { uri }, login);
  await rig.framesOf("mjpeg", 3);
  const status = await rig.statusThat("mjpeg", (each) => live(each) && each.recording?.message !== "");
  expect(status).toMatchObject({ codec: "mjpeg", sourceWidth: 640 });
  expect(status.recording).toMatchObject({ active: false, message: expect.stringContaining("JPEG") });
  await stop(camera);
  await rig.statusThat("mjpeg", downFor(CameraReason.CONNECTION_REFUSED));
  camera = await mjpegCamera(port);
  const seen = rig.worker.of("mjpeg").length;
  await rig.framesOf("mjpeg", seen + 3);
  const { ledger } = await rig.statusThat("mjpeg", ({ ledger: each }) => (each?.captured ?? 0) > 20);
  expect(balances(ledger!)).toBe(true);
  await rig.remove("mjpeg");
  await stop(camera);
});

test("a file is played again and again at its own rate, and recorded", async () => {
  const uri = pathToFileURL(join(folder, "files", "short.mp4")).href;
  const begun = performance.now();
  await rig.register("file", { uri });
  // It has 20 pictures in 2 seconds: the others come of further rounds.
  const status = await rig.statusThat("file", ({ ledger }) => (ledger?.captured ?? 0) > 50);
  expect(performance.now() - begun).toBeGreaterThan(3_500);
  expect(status).toMatchObject({ state: CameraState.LIVE, codec: "h264", failedAttempts: 0 });
  expect(balances(status.ledger!)).toBe(true);
  await rig.statusThat("file", ({ recording }) => recording?.active === true && recording.bytes > 0);
  await rig.register("file", { uri: pathToFileURL(clip).href });
  const refused = await rig.statusThat("file", downFor(CameraReason.ADDRESS_NOT_ALLOWED));
  expect(refused.message).toContain("SIGHTLINE_SOURCE_FILES");
  await rig.remove("file");
});

test("a live HLS stream is played from its newest segment on, and recorded", async () => {
  const list = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "4", "-hls_flags", "delete_segments"];
  const encode = ["-vf", "scale=640:-2", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", ...list];
  const input = ["-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", clip, "-an"];
  const encoder = spawn(ffmpeg, [...input, ...encode, join(folder, "live.m3u8")], { stdio: "ignore" });
  const server = createServer((request, response) => {
    try {
      response.end(readFileSync(join(folder, new URL(request.url!, "http://x").pathname)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await rig.register("hls", { uri: `http://127.0.0.1:${port}/live.m3u8` });
    await rig.statusThat("hls", live);
    const status = await rig.statusThat("hls", ({ ledger }) => (ledger?.captured ?? 0) > 150);
    expect(balances(status.ledger!)).toBe(true);
    await rig.statusThat("hls", ({ recording }) => recording?.active === true && recording.bytes > 0);
    encoder.kill("SIGKILL");
    await rig.statusThat("hls", downFor(CameraReason.STALLED));
  } finally {
    encoder.kill("SIGKILL");
    await vi.waitUntil(() => encoder.exitCode !== null || encoder.signalCode !== null, { timeout: 30_000 });
    await rig.remove("hls");
    await stop(server);
  }
});
