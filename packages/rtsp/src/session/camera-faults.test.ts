import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { CameraReason } from "@sightline/contracts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type CameraAccess, CameraNetworks, defaultAccess } from "../address/camera-networks.ts";
import { parseRtspUrl } from "../address/camera-url.ts";
import { readClip, ScriptedCamera, type ScriptedCameraOptions, type VideoClip } from "../testing/index.ts";
import { CameraSession } from "./camera-session.ts";
import { type ProbeOptions, probe } from "./probe.ts";

let clip: VideoClip;
const cameras: ScriptedCamera[] = [];

beforeAll(async () => {
  clip = await readClip({ seconds: 1 });
});

afterAll(() => Promise.all(cameras.map((camera) => camera.stop())));

async function start(options: ScriptedCameraOptions = {}): Promise<ScriptedCamera> {
  const camera = await ScriptedCamera.start({ tracks: [{ clip }], ...options });
  cameras.push(camera);
  return camera;
}

const patient = { timeoutMs: 60_000 };
const user = { username: "user", password: "pass" };
const ask = (url: string, options: ProbeOptions = {}) =>
  probe({ ...parseRtspUrl(url), credentials: user }, { ...patient, ...options });
const fault = (reason: CameraReason, ...words: string[]) => ({
  ok: false,
  reason,
  message: expect.stringMatching(new RegExp(words.join(".*"), "s")),
});
const answer =
  (status: string, headers: string[] = [], body = "") =>
  () => ({ status, headers, body });
const onDescribe = (given: () => ReturnType<NonNullable<ScriptedCameraOptions["answer"]>>) => ({
  answer: ({ method }: { method: string }) => (method === "DESCRIBE" ? given() : undefined),
});

test.each([
  ["404", onDescribe(answer("404 Not Found")), CameraReason.NOT_FOUND, []],
  ["403", onDescribe(answer("403 Forbidden")), CameraReason.UNAUTHORIZED, ["forbids"]],
  ["500", onDescribe(answer("500 Oops")), CameraReason.PROTOCOL_ERROR, ["status 500 to DESCRIBE"]],
  ["453", onDescribe(answer("453 Not Enough Bandwidth")), CameraReason.PROTOCOL_ERROR, ["too busy"]],
  ["no video", { tracks: [] }, CameraReason.NO_VIDEO, []],
  [
    "a codec nobody decodes",
    { describe: (sdp: string) => sdp.replace("H264/", "X-SECRET/") },
    CameraReason.UNSUPPORTED_CODEC,
    ["X-SECRET"],
  ],
  [
    "SRTP",
    { describe: (sdp: string) => sdp.replace("RTP/AVP", "RTP/SAVP") },
    CameraReason.UNSUPPORTED_CODEC,
    ["SRTP"],
  ],
  [
    "an answer that is not RTSP",
    { answer: () => Buffer.from("HTTP/1.1 400 Bad\r\n\r\n") },
    CameraReason.PROTOCOL_ERROR,
    ["not RTSP"],
  ],
  ["garbage", { answer: () => Buffer.alloc(70_000, 0xa5) }, CameraReason.PROTOCOL_ERROR, ["not RTSP"]],
  [
    "an end instead of an answer",
    { answer: () => "close" as const },
    CameraReason.PROTOCOL_ERROR,
    ["closed"],
  ],
  [
    "a description of 2 GB",
    onDescribe(() => Buffer.from("RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 2000000000\r\n\r\nv=0\r\n")),
    CameraReason.PROTOCOL_ERROR,
    ["longer than 64 KiB"],
  ],
  [
    "a head without end",
    onDescribe(() => Buffer.from(`RTSP/1.0 200 OK\r\nX: ${"a".repeat(100_000)}`)),
    CameraReason.PROTOCOL_ERROR,
    ["longer than 16 KiB"],
  ],
] as [string, ScriptedCameraOptions, CameraReason, string[]][])(
  "names what is wrong with %s",
  async (_, options, reason, words) => {
    const camera = await start(options);
    expect(await ask(camera.url())).toEqual(fault(reason, ...words));
  },
);

test("a camera that does not answer, and one where nothing listens, are told apart", async () => {
  const silent = await start({ answer: () => "silence" });
  expect(await ask(silent.url(), { timeoutMs: 300 })).toEqual(
    fault(CameraReason.UNREACHABLE, "does not answer OPTIONS"),
  );
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  expect(await ask(`rtsp://127.0.0.1:${port}/x`)).toEqual(fault(CameraReason.CONNECTION_REFUSED));
  expect(await ask("rtsp://no-such-host.invalid/x")).toEqual(fault(CameraReason.DNS_FAILURE));
});

test.each([
  [["Basic"], {}],
  [["MD5"], {}],
  [["MD5", "SHA-256"], {}],
  [["SHA-256", "MD5"], { qop: true }],
  [["SHA-256"], {}],
  [["MD5-sess"], { qop: true }],
  [["SHA-256-sess"], {}],
  [["SHA-512", "SHA-256", "Basic"], {}],
  // The camera calls the nonce old at every second request.
  [["MD5"], { nonceUses: 1 }],
])("authenticates with what is offered: %j %j", async (offers, more) => {
  const odd = { username: 'a"b\\c ü@', password: "p:/?#[]@ ü'\"" };
  const camera = await start({ login: { ...odd, offers, ...more } });
  const target = { ...parseRtspUrl(camera.url()), credentials: odd };
  const access: CameraAccess = { networks: CameraNetworks.parse(""), redirects: "same-host" };
  const options = { transport: "tcp" as const, videoTrack: 0, access, ...patient };
  const session = await CameraSession.open(target, options, new AbortController().signal);
  await session.play();
  await session.stop();
  const wrong = { ...target, credentials: { ...odd, password: "wrong" } };
  expect(await probe(wrong, patient)).toEqual(
    fault(CameraReason.UNAUTHORIZED, "refuses the user or password"),
  );
});

test("says which authentication lacks, that none was given, and which user name cannot be sent", async () => {
  const camera = await start({ login: { ...user, offers: ["SHA-512", "SHA3-256"] } });
  expect(await ask(camera.url())).toEqual(
    fault(CameraReason.UNAUTHORIZED, "not supported: Digest SHA-512, Digest SHA3-256"),
  );
  expect(await probe(parseRtspUrl(camera.url()), patient)).toEqual(
    fault(CameraReason.UNAUTHORIZED, "asks for a user and password"),
  );
  const basic = await start({ login: { username: "a:b", password: "", offers: ["Basic"] } });
  const target = { ...parseRtspUrl(basic.url()), credentials: { username: "a:b", password: "" } };
  expect(await probe(target, patient)).toEqual(fault(CameraReason.UNAUTHORIZED, "colon"));
});

test("user and password stay with the camera's own host, whatever it redirects to", async () => {
  const thief = await start({ host: "127.0.0.2" });
  const redirecting = await start({
    login: { ...user, offers: ["Basic"] },
    answer: ({ method, headers }) =>
      method === "DESCRIBE" && headers.has("authorization")
        ? { status: "302 Moved", headers: [`Location: ${thief.url().replace("://", "://u:p@")}`] }
        : undefined,
  });
  expect(await ask(redirecting.url())).toEqual(
    fault(CameraReason.REDIRECTED, `rtsp://127.0.0.2:${thief.port}`),
  );
  expect(thief.requests).toEqual([]);

  const access: CameraAccess = { networks: CameraNetworks.parse(""), redirects: "any" };
  expect(await ask(redirecting.url(), { access })).toMatchObject({ ok: true });
  expect(thief.requests.map(({ method }) => method)).toEqual(["OPTIONS", "DESCRIBE"]);
  expect(thief.requests.some(({ headers }) => headers.has("authorization"))).toBe(false);

  // The rule about networks holds for where a redirect leads, too.
  const networks = CameraNetworks.parse("!127.0.0.2");
  expect(await ask(redirecting.url(), { access: { networks, redirects: "any" } })).toEqual(
    fault(CameraReason.ADDRESS_NOT_ALLOWED),
  );
});

test.each([
  ["another port", "rtsp://127.0.0.1:4222/%0d%0aPUB", CameraReason.REDIRECTED],
  ["HTTP", "http://127.0.0.1:80/", CameraReason.PROTOCOL_ERROR],
  ["a file", "file:///etc/passwd", CameraReason.PROTOCOL_ERROR],
  ["a concat script", "concat:/etc/passwd|/etc/hosts", CameraReason.PROTOCOL_ERROR],
  ["nothing", "", CameraReason.PROTOCOL_ERROR],
])("does not follow a redirect to %s", async (_, location, reason) => {
  const camera = await start({ answer: answer("302 Moved", [`Location: ${location}`]) });
  expect(await ask(camera.url())).toEqual(fault(reason));
});

test("follows a redirect on the same host with user and password, and not without end", async () => {
  let camera: ScriptedCamera | undefined;
  camera = await start({
    login: { ...user, offers: ["MD5"] },
    answer: ({ method, uri }) =>
      method === "DESCRIBE" && uri.endsWith("/old")
        ? { status: "301 Moved", headers: [`Location: ${camera?.url("new")}`] }
        : uri.endsWith("/round")
          ? { status: "302 Moved", headers: [`Location: ${camera?.url("round")}`] }
          : undefined,
  });
  expect(await ask(camera.url("old"))).toMatchObject({ ok: true });
  expect(await ask(camera.url("round"))).toEqual(fault(CameraReason.PROTOCOL_ERROR, "more than 3 times"));
});

test("an address that cameras may not have is refused before a word is said, by number and by name", async () => {
  const camera = await start();
  const access: CameraAccess = {
    networks: CameraNetworks.parse("!127.0.0.0/8,!::1"),
    redirects: "same-host",
  };
  for (const url of [
    camera.url(),
    camera.url().replace("127.0.0.1", "localhost"),
    "rtsp://[::ffff:7f00:1]/x",
  ])
    expect(await ask(url, { access })).toEqual(
      fault(CameraReason.ADDRESS_NOT_ALLOWED, "SIGHTLINE_CAMERA_NETWORKS"),
    );
  expect(await ask("rtsp://169.254.169.254/x")).toEqual(fault(CameraReason.ADDRESS_NOT_ALLOWED));
  expect(camera.requests).toEqual([]);
});

test.each([
  ["auto", ["tcp", "udp"], "tcp"],
  ["auto", ["udp"], "udp"],
  ["udp", ["tcp", "udp"], "udp"],
  ["tcp", ["udp"], "it refuses TCP"],
  ["udp", ["tcp"], "it refuses UDP"],
  ["auto", [], "it refuses both TCP and UDP"],
] as const)(
  "transport %s with a camera that takes %j ends as %s",
  async (transport, transports, expected) => {
    const camera = await start({ transports });
    const options = { transport, videoTrack: 0, access: defaultAccess, ...patient };
    const signal = new AbortController().signal;
    const opened = CameraSession.open(parseRtspUrl(camera.url()), options, signal);
    if (expected !== "tcp" && expected !== "udp")
      await expect(opened).rejects.toMatchObject({
        reason: CameraReason.TRANSPORT_REFUSED,
        message: expect.stringContaining(expected),
      });
    else {
      const session = await opened;
      const packet = Promise.withResolvers<Buffer>();
      session.onPacket = packet.resolve;
      await session.play();
      expect((await packet.promise).readUInt16BE(0)).toBe(0x2400);
      expect(session.transport).toBe(expected);
      await session.stop();
    }
  },
);

test("of several video tracks only the chosen one is set up; one that is not there is told", async () => {
  const camera = await start({ tracks: [{ clip }, { clip }] });
  expect(await ask(camera.url())).toMatchObject({ ok: true, videoTracks: 2 });
  for (const [videoTrack, control] of [
    [0, "track1"],
    [2, "track2"],
  ] as const) {
    camera.requests.length = 0;
    const options = { transport: "auto" as const, videoTrack, access: defaultAccess, ...patient };
    const signal = new AbortController().signal;
    await (await CameraSession.open(parseRtspUrl(camera.url()), options, signal)).stop();
    const set = camera.requests.filter(({ method }) => method === "SETUP").map(({ uri }) => uri);
    expect(set).toEqual([`${camera.url()}/${control}`]);
  }
  expect(await ask(camera.url(), { videoTrack: 3 })).toEqual(fault(CameraReason.NO_VIDEO, "it has 2"));
});

test("keeps a session alive, before it is played and after, by a method that the camera has", async () => {
  const keeps = async (method: string, more: ScriptedCameraOptions) => {
    const camera = await start({ sessionTimeout: 3, ...more });
    const options = { transport: "tcp" as const, videoTrack: 0, access: defaultAccess, ...patient };
    const signal = new AbortController().signal;
    const session = await CameraSession.open(parseRtspUrl(camera.url()), options, signal);
    let ended = false;
    void session.ended.then(() => {
      ended = true;
    });
    const kept = () => camera.requests.filter((request) => request.method === method).length;
    // Three requests take longer than the session lives without any.
    const livesOn = async () => {
      const enough = kept() + 3;
      await vi.waitUntil(() => ended || kept() >= enough, { timeout: 60_000, interval: 20 });
      expect(ended).toBe(false);
    };
    await livesOn();
    await session.play();
    await livesOn();
    await session.stop();
  };
  await Promise.all([
    keeps("GET_PARAMETER", {}),
    keeps("OPTIONS", { methods: "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN" }),
  ]);
});

test("a session that lives longer than timers count is kept alive, not flooded", async () => {
  const camera = await start({
    answer: ({ method, headers }) =>
      method === "SETUP"
        ? {
            headers: [`Transport: ${headers.get("transport")}`, "Session: 1;timeout=99999999999999999999"],
          }
        : undefined,
  });
  const options = { transport: "tcp" as const, videoTrack: 0, access: defaultAccess, ...patient };
  const session = await CameraSession.open(parseRtspUrl(camera.url()), options, new AbortController().signal);
  for (let i = 0; i < 100; i++) await session.play();
  await session.stop();
  expect(camera.requests.filter(({ method }) => method === "GET_PARAMETER")).toEqual([]);
});

test("a camera that asks on and on without reading what it is answered is left", async () => {
  const question = `OPTIONS * RTSP/1.0\r\nCSeq: ${"1".repeat(15_000)}\r\n\r\n`;
  const asking = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.pause();
      const ask = () => {
        while (!socket.destroyed && socket.write(question));
      };
      socket.on("drain", ask);
      ask();
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => asking.once("listening", resolve));
  const { port } = asking.address() as { port: number };
  expect(await ask(`rtsp://127.0.0.1:${port}/x`)).toEqual(
    fault(CameraReason.PROTOCOL_ERROR, "does not read"),
  );
  await new Promise((resolve) => asking.close(resolve));
});

test("a camera that floods the connection with what is no video leaves time for others", async () => {
  const flood = Buffer.alloc(256 * 1024 * 1024, Buffer.from([0x24, 9, 0, 0]));
  const camera = await start({ answer: ({ method }) => (method === "PLAY" ? flood : undefined) });
  const options = { transport: "tcp" as const, videoTrack: 0, access: defaultAccess, timeoutMs: 2_500 };
  const session = await CameraSession.open(parseRtspUrl(camera.url()), options, new AbortController().signal);
  // Processor time: on a busy machine the event loop also counts as used while this process waits for a processor.
  const [before, began] = [process.threadCpuUsage(), performance.now()];
  // It is not answered either, so this takes as long as the patience.
  await expect(session.play()).rejects.toMatchObject({ reason: CameraReason.UNREACHABLE });
  const { user, system } = process.threadCpuUsage(before);
  expect((user + system) / 1_000 / (performance.now() - began)).toBeLessThan(0.6);
  camera.disconnect();
  await session.stop();
});

test("a camera that floods its UDP port is not looked at for more than its time, and what is lost is counted", async () => {
  const camera = await start({ transports: ["udp"], answer: () => undefined });
  const options = { transport: "udp" as const, videoTrack: 0, access: defaultAccess, ...patient };
  const session = await CameraSession.open(parseRtspUrl(camera.url()), options, new AbortController().signal);
  const setUp = camera.requests.find(({ method }) => method === "SETUP")!;
  const port = Number(/client_port=(\d+)/.exec(setUp.headers.get("transport")!)![1]);
  const flood = createSocket("udp4").on("error", () => undefined);
  const packet = Buffer.alloc(60_000, 0x80);
  let taken = 0;
  session.onPacket = () => {
    taken += 1;
  };
  // A datagram that finds the port full is lost, and no other is waited for.
  const send = () => {
    for (let i = 0; i < 20; i++) {
      packet.writeUInt16BE(++sent & 0xffff, 2);
      flood.send(packet, port, "127.0.0.1");
    }
    return session.dropped;
  };
  let sent = 0;
  await expect.poll(send, { interval: 1, timeout: 30_000 }).toBeGreaterThan(0);
  expect(taken).toBeGreaterThan(0);
  flood.close();
  await session.stop();
});
