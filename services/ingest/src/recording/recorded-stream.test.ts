import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CameraReason,
  CameraState,
  decodeJson,
  encodeJson,
  fromTimestamp,
  liveVideoPath,
  type RecordingsAnswer,
  recordingPaths,
  recordingsAnswerSchema,
  subjects,
} from "@sightline/contracts";
import { numberedVideo, probed, shownNumbers } from "@sightline/recording/testing";
import { ScriptedCamera } from "@sightline/rtsp/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { IngestRig } from "../testing/ingest-rig.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-record-stream-"));
const disk = join(directory, "disk");
mkdirSync(disk);
const env = { SIGHTLINE_RECORDINGS_DIRECTORY: disk, SIGHTLINE_RECORDING: "continuous" };
const startedAt = Date.now();
const [smallSize, bigSize] = [
  [192, 64],
  [384, 128],
] as const;
let rig: IngestRig;
/** When the big stream sent each of its pictures, by their numbers. */
const bigSentAt: number[] = [];
let small: ScriptedCamera;
let big: ScriptedCamera;
let bigTrack: NonNullable<Parameters<typeof ScriptedCamera.start>[0]>["tracks"];
const login = { username: "viewer", password: "s3cret-big" };
const asksFor = { ...login, offers: ["MD5"] };

async function startBig(port = 0): Promise<ScriptedCamera> {
  return ScriptedCamera.start({ tracks: bigTrack!, login: asksFor, port });
}

beforeAll(async () => {
  rig = await IngestRig.start();
  const smallClip = await numberedVideo({ size: smallSize, seconds: 100, rate: 10, keyEvery: 10 });
  const bigClip = await numberedVideo({ size: bigSize, seconds: 100, rate: 25, keyEvery: 25 });
  bigTrack = [
    {
      clip: bigClip,
      picture: (sent) => {
        bigSentAt[sent.index % bigClip.units.length] = Date.now();
        return sent;
      },
    },
  ];
  small = await ScriptedCamera.start({ tracks: [{ clip: smallClip }] });
  big = await startBig();
  await rig.ingest("ingest-1", env);
});

afterAll(async () => {
  await rig?.stop();
  await Promise.all([small?.stop(), big?.stop()]);
  rmSync(directory, { recursive: true, force: true });
});

const registered: string[] = [];
afterEach(async () => {
  const ids = registered.splice(0);
  await rig.remove(...ids);
  for (const id of ids) await rig.recordFrom(id, undefined);
});

/** A camera whose small stream is analysed. */
async function register(id: string, record: Parameters<IngestRig["register"]>[1] = { uri: small.url() }) {
  registered.push(id);
  await rig.register(id, record);
}

async function find(from: IngestRig, camera: string, fromMs = startedAt): Promise<RecordingsAnswer> {
  const request = encodeJson({ fromMs, toMs: Date.now() + 60_000 });
  const reply = await from.nats.connection.request(subjects.recordingsFind(camera), request, {
    timeout: 10_000,
  });
  return decodeJson(recordingsAnswerSchema, reply.data);
}

/** Waits until a camera has so much video of a width, after a time; its newest span. */
async function recorded(camera: string, width: number, ms: number, fromMs = startedAt, from = rig) {
  return expect
    .poll(async () => {
      const { spans } = await find(from, camera, fromMs);
      return spans.findLast((each) => each.width === width && each.toMs - Math.max(each.fromMs, fromMs) > ms);
    })
    .toBeDefined()
    .then(async () => (await find(from, camera, fromMs)).spans.findLast((each) => each.width === width)!);
}

async function video(from: IngestRig, camera: string, fromMs: number, toMs: number) {
  const { url, token } = await find(from, camera);
  const path = `${recordingPaths.video(camera)}?from_ms=${fromMs}&to_ms=${toMs}`;
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  const file = join(directory, `${camera}-${fromMs}.mp4`);
  writeFileSync(file, Buffer.from(await response.arrayBuffer()));
  return { file, begins: Number(response.headers.get("sightline-from-ms")) };
}

test("the small stream is analysed and the big one recorded; the moment of a frame is in the video at its time", async () => {
  await rig.recordFrom("two", big.url(), login);
  await register("two");
  await rig.framesOf("two", 20);
  const { frame } = rig.worker.of("two").at(-1)!;
  expect([frame.sourceWidth, frame.sourceHeight]).toEqual(smallSize);
  const capturedMs = fromTimestamp(frame.captureTime!);
  const span = await recorded("two", bigSize[0], 4_000);
  expect(span).toMatchObject({ codec: "h264", width: bigSize[0], height: bigSize[1] });

  const { file, begins } = await video(rig, "two", capturedMs - 1_000, capturedMs + 1_000);
  expect(await probed(file)).toMatchObject({ complaints: "", width: bigSize[0] });
  const numbers = await shownNumbers(file);
  expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
  // What the big stream was sending when frames of the small one were captured. A busy machine may be late with one of them.
  const apart = rig.worker
    .of("two")
    .map(({ frame: { captureTime } }) => fromTimestamp(captureTime!))
    .filter((ms) => Math.abs(ms - capturedMs) < 700)
    .map((ms) => {
      const shown = numbers[Math.round(((ms - begins) / 1000) * 25)]!;
      const sent = bigSentAt.findLastIndex((at) => at !== undefined && at <= ms);
      return Math.abs(shown - sent);
    })
    .sort((a, b) => a - b);
  expect(apart.length).toBeGreaterThan(5);
  expect(apart[Math.floor(apart.length / 2)]).toBeLessThanOrEqual(3);

  const status = await rig.statusThat("two", ({ recording }) => (recording?.stream?.captureFps ?? 0) > 20);
  expect(status).toMatchObject({ sourceWidth: smallSize[0], state: CameraState.LIVE });
  expect(status.recording).toMatchObject({
    active: true,
    message: "",
    stream: {
      ...{ state: CameraState.LIVE, codec: "h264", width: bigSize[0], height: bigSize[1] },
      ...{ reconnects: 0, failedAttempts: 0, message: "" },
    },
  });
}, 120_000);

test("a stream to be recorded that is away stops the recording and not the analysis, and comes back by itself", async () => {
  await rig.recordFrom("away", big.url(), login);
  await register("away");
  await recorded("away", bigSize[0], 1_000);
  const { port } = big;
  await big.stop();
  const down = await rig.statusThat("away", ({ recording }) => recording?.message !== "");
  expect(down.state).toBe(CameraState.LIVE);
  expect(down.recording).toMatchObject({
    active: false,
    message: expect.stringContaining("the recorded stream gives no video: "),
    stream: { state: CameraState.DOWN },
  });
  await rig.framesOf("away", rig.worker.of("away").length + 20);
  const awayAt = Date.now();
  big = await startBig(port);
  const back = await rig.statusThat("away", ({ recording }) => recording?.active === true);
  expect(back).toMatchObject({ state: CameraState.LIVE, reconnects: 0 });
  expect(back.recording).toMatchObject({ message: "", stream: { state: CameraState.LIVE, reconnects: 1 } });
  await recorded("away", bigSize[0], 1_000, awayAt);
}, 120_000);

test("a wrong password, and a codec that cannot be recorded, are told as the recording's status; the password never", async () => {
  await rig.recordFrom("locked", big.url(), { ...login, password: "wrong-s3cret" });
  await register("locked");
  const refused = await rig.statusThat("locked", ({ recording }) => recording?.message !== "");
  expect(refused.recording!.stream).toMatchObject({ reason: CameraReason.UNAUTHORIZED });
  expect(JSON.stringify(refused)).not.toContain("s3cret");
  // A secret that has changed is taken at once, however long the next attempt would have been waited for.
  await rig.recordFrom("locked", big.url(), login);
  await rig.statusThat("locked", ({ recording }) => recording?.active === true);
  const odd = await ScriptedCamera.start({
    tracks: bigTrack!,
    describe: (sdp) => sdp.replaceAll("H264/90000", "VP8/90000"),
  });
  await rig.recordFrom("locked", odd.url());
  const unfit = await rig.statusThat("locked", (each) => each.recording?.stream?.codec === "vp8");
  expect(unfit.recording).toMatchObject({
    active: false,
    message: expect.stringContaining("video of the codec VP8 cannot be recorded"),
    stream: { reason: CameraReason.UNSUPPORTED_CODEC },
  });
  await rig.framesOf("locked", rig.worker.of("locked").length + 10);
  await odd.stop();
}, 120_000);

test("a password that has just been stored for another server is not told to the one of before", async () => {
  // Between the two writes of a URL that changes, the password is the new one and the URL the old one.
  await rig.recordFrom("moved", big.url(), { ...login, server: "rtsp://10.0.0.9" });
  await register("moved");
  const told = await rig.statusThat("moved", ({ recording }) => recording?.message !== "");
  expect(told.recording).toMatchObject({
    active: false,
    message: expect.stringContaining("another server"),
    stream: { reason: CameraReason.UNAUTHORIZED },
  });
  expect(big.connections).toBe(0);
  await rig.recordFrom("moved", big.url(), { ...login, server: big.url().match(/^rtsp:\/\/[^/]+/)![0] });
  await rig.statusThat("moved", ({ recording }) => recording?.active === true);
}, 120_000);

test("without a stream of its own the analysed one is recorded again, and is not connected anew for it", async () => {
  await rig.recordFrom("once", big.url(), login);
  await register("once");
  await recorded("once", bigSize[0], 1_000);
  await rig.recordFrom("once", undefined);
  const removedAt = Date.now();
  await recorded("once", smallSize[0], 1_000, removedAt);
  const { recording, reconnects } = await rig.statusThat(
    "once",
    (each) => each.recording?.stream === undefined,
  );
  expect({ reconnects, active: recording!.active }).toEqual({ reconnects: 0, active: true });
  await expect.poll(() => big.connections).toBe(0);
  await rig.recordFrom("once", big.url(), login);
  await recorded("once", bigSize[0], 1_000, Date.now());
}, 120_000);

test("where nothing is recorded the stream is received only while somebody watches", async () => {
  await rig.recordFrom("watched", big.url(), login);
  await register("watched", { uri: small.url(), recording: { mode: "off" } });
  await rig.framesOf("watched", 10);
  const { recording } = await rig.statusThat("watched", (each) => each.recording?.stream !== undefined);
  expect(recording!.stream!.state).toBe(CameraState.PENDING);
  expect(big.connections).toBe(0);
  const { url, token } = await find(rig, "watched");
  const aborted = new AbortController();
  const response = await fetch(url + liveVideoPath("watched"), {
    headers: { authorization: `Bearer ${token}` },
    signal: aborted.signal,
  });
  let bytes = 0;
  for await (const chunk of response.body!) {
    bytes += chunk.length;
    if (bytes > 10_000) break;
  }
  expect(big.connections).toBe(1);
  aborted.abort();
  await expect.poll(() => big.connections).toBe(0);
}, 120_000);

test("what a killed process recorded of the stream stays, and the next one records it again", async () => {
  const folder = join(directory, "killed");
  const own = { SIGHTLINE_RECORDINGS_DIRECTORY: folder, SIGHTLINE_RECORDING: "continuous" };
  const other = await IngestRig.start();
  try {
    const child = await other.ingestProcess("killed", own);
    await other.recordFrom("front", big.url(), login);
    await other.register("front", { uri: small.url() });
    const before = await recorded("front", bigSize[0], 3_000, startedAt, other);
    await child.kill("SIGKILL");
    const killedAt = Date.now();
    await other.ingest("after", own);
    await recorded("front", bigSize[0], 1_000, killedAt, other);
    const { file } = await video(other, "front", before.fromMs + 10, killedAt - 500);
    const numbers = await shownNumbers(file);
    expect(numbers.length).toBeGreaterThan(50);
    expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
  } finally {
    await other.stop();
  }
}, 120_000);
