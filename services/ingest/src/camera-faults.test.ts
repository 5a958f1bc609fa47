import { readdirSync, readFileSync } from "node:fs";
import { CameraReason, CameraState, CameraStatus, DropReason, fromTimestamp } from "@sightline/contracts";
import { usualFfmpegMemoryMib } from "@sightline/media";
import { findFfmpeg, parseRtspUrl, receive } from "@sightline/rtsp";
import {
  type PlayedPicture,
  readClip,
  ScriptedCamera,
  type ScriptedCameraOptions,
} from "@sightline/rtsp/testing";
import { freePort } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { balances, IngestRig } from "./testing/ingest-rig.ts";

const password = "it's p@ss/w:rd?#";
let rig: IngestRig;
/** Soon calls a silent camera stalled; `rig` is patient, since on a busy machine one may only seem silent. */
let hasty: IngestRig;

beforeAll(async () => {
  [rig, hasty] = await Promise.all([IngestRig.start(), IngestRig.start()]);
  await Promise.all([rig.ingest(), hasty.ingest("ingest-1", { SIGHTLINE_STALL_SECONDS: "3" })]);
});

afterAll(() => Promise.all([rig?.stop(), hasty?.stop()]));

const live = ({ state }: CameraStatus) => state === CameraState.LIVE;
const downFor = (wanted: CameraReason) => (status: CameraStatus) =>
  status.state === CameraState.DOWN && status.reason === wanted;

test("a password with every awkward character works, a wrong one is told, and no process shows either", async () => {
  const cameras = await rig.cameras(1, { user: "admin", password });
  const uri = cameras.url("camera-1");
  await rig.register("locked", { uri }, { username: "admin", password: "wrong-secret" });
  await rig.statusThat("locked", downFor(CameraReason.UNAUTHORIZED));
  await rig.register("locked", { uri }, { username: "admin", password });
  const status = await rig.statusThat("locked", live);
  await rig.framesOf("locked", 3);
  const commands = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLine(pid))
    .filter((command) => command.includes("ffmpeg"));
  expect(commands.length).toBeGreaterThan(0);
  for (const text of [...commands, JSON.stringify(status)])
    for (const secret of [password, encodeURIComponent(password), "wrong-secret"])
      expect(text).not.toContain(secret);
  await rig.remove("locked");
});

test("a camera that wants a password and has none is told as unauthorized", async () => {
  const cameras = await rig.cameras(1, { user: "admin", password });
  await rig.register("keyless", { uri: cameras.url("camera-1") });
  await rig.statusThat("keyless", downFor(CameraReason.UNAUTHORIZED));
  await rig.remove("keyless");
});

test("hosts, ports and paths that are not there are told apart", async () => {
  const cameras = await rig.cameras(1);
  await rig.register("refused", { uri: `rtsp://127.0.0.1:${await freePort()}/x` });
  await rig.register("nowhere", { uri: "rtsp://no-such-host.invalid/x" });
  await rig.register("no-path", { uri: cameras.url("no-such-stream") });
  await rig.statusThat("refused", downFor(CameraReason.CONNECTION_REFUSED));
  await rig.statusThat("nowhere", downFor(CameraReason.DNS_FAILURE));
  await rig.statusThat("no-path", downFor(CameraReason.NOT_FOUND));
  await rig.remove("refused", "nowhere", "no-path");
});

test("cameras that refuse are told apart, by the same reasons as when their address is tried", async () => {
  const clip = await readClip({ seconds: 1 });
  const credentials = { username: "user", password: "pass" };
  const moved = { status: "302 Moved", headers: ["Location: rtsp://127.0.0.2:554/x"] };
  const scripts: [string, CameraReason, ScriptedCameraOptions][] = [
    ["udp-only", CameraReason.TRANSPORT_REFUSED, { transports: ["udp"] }],
    ["new-login", CameraReason.UNAUTHORIZED, { login: { ...credentials, offers: ["SHA-512"] } }],
    ["moved", CameraReason.REDIRECTED, { answer: () => moved }],
    ["ends", CameraReason.STREAM_ENDED, { tracks: [{ clip, picture: () => "end" }] }],
  ];
  const cameras = await Promise.all(
    scripts.map(async ([id, reason, script]) => ({
      ...{ id, reason, camera: await ScriptedCamera.start({ tracks: [{ clip }], ...script }) },
    })),
  );
  const uris = cameras.map(({ id, reason, camera }) => ({ id, reason, uri: camera.url() }));
  uris.push({
    ...{ id: "link-local", reason: CameraReason.ADDRESS_NOT_ALLOWED, uri: "rtsp://169.254.169.254/x" },
  });
  const picture = (sent: PlayedPicture) => (sent.key ? undefined : sent);
  const keyless = await ScriptedCamera.start({ tracks: [{ clip, picture }] });
  await hasty.register("keyless", { uri: keyless.url() });
  for (const { id, uri } of uris) await rig.register(id, { uri }, credentials);
  const ffmpeg = { path: await findFfmpeg(process.env.FFMPEG_PATH), memoryMib: usualFfmpegMemoryMib };
  for (const { id, reason, uri } of uris) {
    const { message } = await rig.statusThat(id, downFor(reason));
    const target = { ...parseRtspUrl(uri), credentials };
    expect(await receive(target, { ffmpeg, transport: "tcp", timeoutMs: 60_000 })).toMatchObject({
      ...{ ok: false, reason, message },
    });
  }
  await hasty.statusThat("keyless", downFor(CameraReason.NO_KEY_FRAME));
  await hasty.remove("keyless");
  await rig.remove(...uris.map(({ id }) => id));
  await Promise.all([keyless, ...cameras.map(({ camera }) => camera)].map((camera) => camera.stop()));
});

test.each([0, 2])("of two video tracks only the chosen one is counted: %i", async (videoTrack) => {
  const slow = await readClip({ seconds: 5 });
  const camera = await ScriptedCamera.start({ tracks: [{ clip: slow }, { clip: slow, speed: 2 }] });
  const id = `two-tracks-${videoTrack}`;
  await rig.register(id, { uri: camera.url(), videoTrack });
  await rig.framesOf(id, 30);
  const { ledger } = await rig.statusThat(id, (status) => (status.ledger?.inferred ?? 0) >= 30);
  expect(ledger && balances(ledger)).toBe(true);
  expect(ledger?.dropped.find(({ reason }) => reason === DropReason.DECODE_ERROR)).toBeUndefined();
  // The account counts the pictures of the chosen track, by the rate of that track, and nothing between them.
  const frames = rig.worker.of(id).map(({ frame }) => frame);
  const interval = videoTrack === 2 ? 50_000 : 100_000;
  for (const [i, frame] of frames.slice(2).entries()) {
    const before = frames[i + 1]!;
    expect((frame.ptsUs - before.ptsUs) / interval).toBeCloseTo(frame.number - before.number, 1);
  }
  await rig.remove(id);
  await camera.stop();
});

test("a camera that fails is known for it when its lease was lost and is taken again", async () => {
  await rig.register("dead", { uri: `rtsp://127.0.0.1:${await freePort()}/x` });
  const before = await rig.statusThat("dead", ({ failedAttempts }) => failedAttempts > 1);
  await rig.buckets.holders.put("camera.dead", new TextEncoder().encode("another"));
  const after = await rig.statusThat("dead", ({ epoch }) => epoch !== before.epoch);
  expect(after.failedAttempts).toBeGreaterThanOrEqual(before.failedAttempts);
  await rig.remove("dead");
});

test("a camera that another ingest has had in the meantime, without a fault, is not known for its faults of before", async () => {
  const own = await IngestRig.start();
  onTestFinished(() => own.stop());
  const { address } = await own.ingest();
  await own.register("mended", { uri: `rtsp://127.0.0.1:${await freePort()}/x` });
  const before = await own.statusThat("mended", ({ failedAttempts }) => failedAttempts > 1);
  const { leases, holders, cameraStatus } = own.buckets;
  const session = new TextEncoder().encode("another");
  await leases.put("session.camera.another", session);
  await holders.put("camera.mended", session);
  const metrics = async () => (await fetch(`http://${address}/metrics`)).text();
  await expect.poll(metrics, { timeout: 20_000 }).toContain("sightline_ingest_cameras 0");
  const following = await own.followStatus("mended");
  const told = { ...before, ingest: "another", state: CameraState.LIVE, failedAttempts: 0 };
  await cameraStatus.put("mended", CameraStatus.encode(told).finish());
  await leases.delete("session.camera.another");
  await own.statusThat("mended", ({ epoch }) => epoch !== before.epoch);
  await following.stop();
  const first = following.statuses.find(({ epoch }) => epoch !== before.epoch)!;
  expect(first.failedAttempts).toBeLessThan(before.failedAttempts);
});

test("a hundred dead addresses cost live cameras nothing", async () => {
  const cameras = await rig.cameras(2);
  const dead = Array.from({ length: 100 }, (_, i) => `dead-${i}`);
  for (const name of cameras.names) await rig.register(name, { uri: cameras.url(name) });
  const before = await Promise.all(cameras.names.map((name) => rig.statusThat(name, live)));
  const uri = `rtsp://127.0.0.1:${await freePort()}/x`;
  await Promise.all(dead.map((id) => rig.register(id, { uri })));
  const refused = (status: CameraStatus) =>
    downFor(CameraReason.CONNECTION_REFUSED)(status) && status.failedAttempts > 2;
  for (const id of dead) await rig.statusThat(id, refused);
  for (const [i, name] of cameras.names.entries())
    expect(await rig.status(name)).toMatchObject({
      state: CameraState.LIVE,
      epoch: before[i]!.epoch,
      reconnects: 0,
      failedAttempts: 0,
    });
  await rig.remove(...cameras.names, ...dead);
});

test("a camera that dies and returns is live again in the same epoch", async () => {
  const cameras = await rig.cameras(1);
  await rig.register("yard", { uri: cameras.url("camera-1") });
  await rig.framesOf("yard", 3);
  await cameras.fault("die");
  const down = await rig.statusThat("yard", ({ state }) => state === CameraState.DOWN);
  await rig.statusThat("yard", downFor(CameraReason.CONNECTION_REFUSED));
  await cameras.fault("revive");
  const { epoch, reconnects, ledger } = await rig.statusThat("yard", live);
  expect(epoch).toBe(down.epoch);
  expect(reconnects).toBe(1);
  await rig.framesOf("yard", rig.worker.of("yard").length + 3);
  const numbers = rig.worker.of("yard").map(({ frame }) => frame.number);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  expect(ledger && balances(ledger)).toBe(true);
  await rig.remove("yard");
});

test("a camera that sends garbage is told as such, touches no other, and recovers", async () => {
  const [broken, healthy] = [await hasty.cameras(1), await hasty.cameras(1)];
  await hasty.register("broken", { uri: broken.url("camera-1") });
  await hasty.register("healthy", { uri: healthy.url("camera-1") });
  await hasty.framesOf("broken", 3);
  await hasty.framesOf("healthy", 3);
  await broken.fault("garbage");
  await hasty.statusThat("broken", downFor(CameraReason.DECODE_FAILURE));
  expect(await hasty.status("healthy")).toMatchObject({ state: CameraState.LIVE, reconnects: 0 });
  await broken.fault("resume");
  const { ledger } = await hasty.statusThat("broken", live);
  expect(ledger && balances(ledger)).toBe(true);
  await hasty.remove("broken", "healthy");
});

test("a camera that stalls is told as such and recovers", async () => {
  const cameras = await hasty.cameras(1);
  await hasty.register("still", { uri: cameras.url("camera-1") });
  await hasty.framesOf("still", 3);
  await cameras.fault("stall");
  await hasty.statusThat("still", downFor(CameraReason.STALLED));
  await cameras.fault("resume");
  await hasty.statusThat("still", live);
  await hasty.remove("still");
});

/** A camera of 10 frames per second with RTP timestamps of its own. */
async function cameraWithTimes(timeOf: (picture: PlayedPicture) => number): Promise<ScriptedCamera> {
  const picture = (sent: PlayedPicture) => ({ data: sent.data, timestamp: timeOf(sent) });
  return ScriptedCamera.start({ tracks: [{ clip: await readClip({ seconds: 2 }), picture }] });
}

test.each([
  ["still", ({ origin }: PlayedPicture) => origin],
  ["pairs", ({ index, timestamp }: PlayedPicture) => timestamp - (index % 2) * 9_000],
])(
  "every frame of a camera whose timestamps stand %s is analysed, each at its own time",
  async (id, timeOf) => {
    const camera = await cameraWithTimes(timeOf);
    await rig.register(id, { uri: camera.url() });
    await rig.framesOf(id, 25);
    const { ledger } = await rig.statusThat(id, (status) => (status.ledger?.inferred ?? 0) >= 25);
    expect(ledger && balances(ledger)).toBe(true);
    expect(ledger?.dropped.find(({ reason }) => reason === DropReason.DECODE_ERROR)).toBeUndefined();
    const frames = rig.worker.of(id).map(({ frame }) => frame);
    expect(new Set(frames.map(({ ptsUs }) => ptsUs)).size).toBeLessThan(frames.length);
    const times = frames.map(({ captureTime }) => fromTimestamp(captureTime!));
    for (const [i, time] of times.slice(1).entries()) expect(time).toBeGreaterThan(times[i]!);
    await rig.remove(id);
    await camera.stop();
  },
);

test("a camera that sends frames more rarely than others may be silent is live all the time", async () => {
  const camera = await ScriptedCamera.start({ tracks: [{ clip: await readClip(), speed: 1 / 35 }] });
  await hasty.register("rare", { uri: camera.url() });
  await hasty.framesOf("rare", 3);
  expect(await hasty.status("rare")).toMatchObject({
    state: CameraState.LIVE,
    reconnects: 0,
    failedAttempts: 0,
  });
  await hasty.remove("rare");
  await camera.stop();
});

test("the rate asked for holds though timestamps jump", async () => {
  const hour = 3_600 * 90_000;
  const camera = await cameraWithTimes(({ index, timestamp }) => timestamp - (index % 10 === 5 ? hour : 0));
  await rig.register("jumps", { uri: camera.url(), targetFps: 2 });
  await rig.statusThat("jumps", ({ ledger }) => (ledger?.captured ?? 0) >= 60);
  const times = rig.worker.of("jumps").map(({ frame }) => fromTimestamp(frame.captureTime!));
  const seconds = (times.at(-1)! - times[0]!) / 1000;
  // Two frames of credit, and a second's worth that stream time may be ahead.
  expect(times.length).toBeLessThanOrEqual(2 * seconds + 5);
  await rig.remove("jumps");
  await camera.stop();
});

test("frames flow again after NATS was killed and came back, and the account still balances", async () => {
  const cameras = await rig.cameras(1);
  await rig.register("steady", { uri: cameras.url("camera-1") });
  await rig.framesOf("steady", 5);
  await rig.server.down("SIGKILL");
  await rig.server.up();
  await rig.framesOf("steady", rig.worker.of("steady").length + 20);
  const { ledger } = await rig.statusThat("steady", (status) => (status.ledger?.inferred ?? 0) > 20);
  expect(ledger && balances(ledger)).toBe(true);
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    // The process ended between the listing and the reading.
    return "";
  }
}
