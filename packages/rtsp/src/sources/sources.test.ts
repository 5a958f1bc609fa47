import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CameraReason } from "@sightline/contracts";
import { usualFfmpegMemoryMib } from "@sightline/media";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CameraAccess, CameraNetworks } from "../address/camera-networks.ts";
import { parseCameraUrl } from "../address/camera-url.ts";
import { RtspUrlError } from "../errors.ts";
import { findFfmpeg } from "../ffmpeg-program.ts";
import { receive } from "../receive.ts";
import { probe } from "../session/probe.ts";
import { MultipartReader } from "./multipart-reader.ts";

const clip = fileURLToPath(new URL("../../../../test/fixtures/pedestrians.mp4", import.meta.url));
let folder: string;
let server: Server;
let base: string;
let path: string;

const pages: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  "/page": (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
  "/picture.jpg": (_, response) => response.writeHead(200, { "content-type": "image/jpeg" }).end("x"),
  "/busy": (_, response) => response.writeHead(503).end(),
  "/away": (_, response) => response.writeHead(302, { location: "http://169.254.169.254/latest" }).end(),
  "/to-file": (_, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
  "/moved": (_, response) => response.writeHead(302, { location: "/mjpeg" }).end(),
  "/evil.m3u8": (_, response) =>
    response
      .writeHead(200, { "content-type": "application/vnd.apple.mpegurl" })
      .end("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n"),
  "/elsewhere.m3u8": (_, response) =>
    response
      .writeHead(200, { "content-type": "application/vnd.apple.mpegurl" })
      .end("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.2:1/a.ts\n"),
  "/mjpeg": (_, response) => sendPictures(response),
  "/locked": (request, response) => {
    const given = `Basic ${Buffer.from("admin:p@ss:w").toString("base64")}`;
    if (request.headers.authorization === given) sendPictures(response);
    else response.writeHead(401, { "www-authenticate": 'Basic realm="cam"' }).end();
  },
};

beforeAll(async () => {
  path = await findFfmpeg(process.env.FFMPEG_PATH);
  folder = mkdtempSync(join(tmpdir(), "sightline-sources-"));
  mkdirSync(join(folder, "files"));
  for (const args of [
    ["-i", clip, "-t", "2", "-c:v", "libx264", "-bf", "2", "-g", "25", join(folder, "files", "a.mp4")],
    ["-i", clip, "-t", "1", "-vf", "scale=320:-2", "-f", "image2", join(folder, "%03d.jpg")],
    [
      "-i",
      clip,
      "-t",
      "4",
      "-c:v",
      "libx265",
      "-x265-params",
      "log-level=error:keyint=25",
      "-hls_time",
      "1",
    ].concat(["-hls_segment_type", "fmp4", "-hls_list_size", "0", "-f", "hls", join(folder, "h265.m3u8")]),
    [
      "-i",
      clip,
      "-t",
      "4",
      "-c:v",
      "libx264",
      "-b:v",
      "800k",
      "-g",
      "25",
      "-hls_time",
      "1",
      "-master_pl_name",
      "main.m3u8",
    ].concat(["-hls_list_size", "0", "-f", "hls", join(folder, "h264.m3u8")]),
  ])
    expect(spawnSync(path, ["-nostdin", "-loglevel", "error", ...args], { stdio: "inherit" }).status).toBe(0);
  symlinkSync(clip, join(folder, "files", "link.mp4"));
  writeFileSync(join(folder, "files", "list.m3u8"), `#EXTM3U\n#EXTINF:2,\n${clip}\n`);
  server = createServer((request, response) => {
    const name = new URL(request.url!, "http://x").pathname;
    const page = pages[name];
    if (page) return page(request, response);
    try {
      response.end(readFileSync(join(folder, name)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, 120_000);

afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Ten pictures a second, for as long as they are wanted. */
function sendPictures(response: ServerResponse): void {
  const pictures = readdirSync(folder).filter((name) => name.endsWith(".jpg"));
  response.writeHead(200, { "content-type": "multipart/x-mixed-replace; boundary=frame" });
  let next = 0;
  const timer = setInterval(() => {
    const jpeg = readFileSync(join(folder, pictures[next++ % pictures.length]!));
    response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
    response.write(jpeg);
    response.write("\r\n");
  }, 100);
  response.once("close", () => clearInterval(timer));
}

function received(url: string, access: Partial<CameraAccess> = {}, videoTrack = 0) {
  const ffmpeg = { path, memoryMib: usualFfmpegMemoryMib };
  const networks = CameraNetworks.parse("");
  return receive(parseCameraUrl(url), {
    ...{ ffmpeg, transport: "auto", pictures: 5, videoTrack, timeoutMs: 30_000 },
    access: { networks, redirects: "same-host", files: join(folder, "files"), ...access },
  });
}

test.each([
  ["/mjpeg", "mjpeg", 320],
  ["/moved", "mjpeg", 320],
  ["/h264.m3u8", "h264", 768],
  ["/main.m3u8", "h264", 768],
  ["/h265.m3u8", "hevc", 768],
])("pictures come from %s", async (address, codec, width) => {
  expect(await received(base + address)).toMatchObject({ ok: true, codec, width });
});

test("a file plays at its own rate; one outside the folder, or behind a link, does not", async () => {
  const file = (...names: string[]) => pathToFileURL(join(folder, ...names)).href;
  const reception = await received(file("files", "a.mp4"));
  expect(reception).toMatchObject({
    ok: true,
    codec: "h264",
    offer: { video: { codec: "H264", width: 768 } },
  });
  const refused = { ok: false, reason: CameraReason.ADDRESS_NOT_ALLOWED };
  expect(await received(file("h264.m3u8"))).toMatchObject(refused);
  expect(await received(file("files", "..", "001.jpg"))).toMatchObject(refused);
  expect(await received(file("files", "link.mp4"))).toMatchObject(refused);
  expect(await received("file:///etc/passwd")).toMatchObject(refused);
  expect(await received("file:///no/such/file")).toMatchObject(refused);
  expect(await received(file("files", "a.mp4"), { files: undefined })).toMatchObject(refused);
  expect(await received(file("files", "none.mp4"))).toMatchObject({
    ok: false,
    reason: CameraReason.NOT_FOUND,
  });
  // A playlist in the folder could name any file.
  expect(await received(file("files", "list.m3u8"))).toMatchObject({
    ok: false,
    reason: CameraReason.NO_VIDEO,
  });
});

test("a password is given when it is asked for, and never to another host", async () => {
  const locked = `${base}/locked`.replace("http://", "http://admin:p%40ss%3Aw@");
  expect(await received(locked)).toMatchObject({ ok: true });
  const wrong = await received(locked.replace("p%40ss%3Aw", "hunter2"));
  expect(wrong).toMatchObject({ ok: false, reason: CameraReason.UNAUTHORIZED });
  expect(JSON.stringify(wrong)).not.toContain("hunter2");
  expect(await received(`${base}/locked`)).toMatchObject({ ok: false, reason: CameraReason.UNAUTHORIZED });
});

test.each([
  ["/none", CameraReason.NOT_FOUND, "path"],
  ["/page", CameraReason.PROTOCOL_ERROR, "text/html"],
  ["/picture.jpg", CameraReason.PROTOCOL_ERROR, "image/jpeg"],
  ["/busy", CameraReason.PROTOCOL_ERROR, "503"],
  ["/away", CameraReason.REDIRECTED, "169.254.169.254"],
  ["/to-file", CameraReason.PROTOCOL_ERROR, "not http"],
  ["/evil.m3u8", CameraReason.PROTOCOL_ERROR, "not http"],
  ["/elsewhere.m3u8", CameraReason.REDIRECTED, "127.0.0.2"],
])("%s is told as what it is", async (address, reason, words) => {
  const outcome = await received(base + address);
  expect(outcome).toMatchObject({ ok: false, reason, message: expect.stringContaining(words) });
});

test("addresses that cameras may not have are refused by HTTP too, by name, redirect and playlist", async () => {
  const any = { redirects: "any" } as const;
  expect(await received(`${base}/away`, any)).toMatchObject({ reason: CameraReason.ADDRESS_NOT_ALLOWED });
  const networks = CameraNetworks.parse("!127.0.0.2");
  expect(await received(`${base}/elsewhere.m3u8`, { ...any, networks })).toMatchObject({
    reason: CameraReason.ADDRESS_NOT_ALLOWED,
  });
});

test("what a stream offers is told without receiving it", async () => {
  expect(await probe(parseCameraUrl(`${base}/main.m3u8`), { ffmpeg: { path, memoryMib: 0 } })).toMatchObject({
    ok: true,
    video: { codec: "H264", width: 768 },
    videoTracks: 1,
  });
  const outcome = await received(`${base}/main.m3u8`, {}, 3);
  expect(outcome).toMatchObject({
    reason: CameraReason.NO_VIDEO,
    message: expect.stringContaining("variant 3"),
  });
});

test.each([
  ["--b", "with lengths", true],
  ["b", "without lengths", false],
])("parts %s %s are taken apart, cut anywhere", (boundary, _, lengths) => {
  const jpegs = [1, 2, 3].map((n) => Buffer.from([0xff, 0xd8, n, 0x0d, 0x0a, 0xff, 0xd9]));
  const parts = jpegs.map((jpeg) =>
    Buffer.concat([
      Buffer.from(
        `--b\r\nContent-Type: image/jpeg\r\n${lengths ? `content-length: ${jpeg.length}\r\n` : ""}\r\n`,
      ),
      jpeg,
      Buffer.from("\r\n"),
    ]),
  );
  const body = Buffer.concat([...parts, Buffer.from("--b\r\n")]);
  for (const step of [1, 7, body.length]) {
    const found: Buffer[] = [];
    const reader = new MultipartReader(boundary, (jpeg) => found.push(jpeg));
    for (let at = 0; at < body.length; at += step) reader.write(body.subarray(at, at + step));
    expect(found.map((jpeg) => jpeg.subarray(0, 7))).toEqual(jpegs);
  }
});

test.each(["ftp://cam/x", "file://host/x", "file:///", "http://a b/", "http://cam:0/x", "file:relative"])(
  "refuses %s",
  (text) => {
    expect(() => parseCameraUrl(text)).toThrow(RtspUrlError);
  },
);
