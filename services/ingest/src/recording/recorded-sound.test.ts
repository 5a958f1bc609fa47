import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CameraState,
  decodeJson,
  encodeJson,
  type RecordingSpan,
  type RecordingsAnswer,
  recordingPaths,
  recordingSegmentsSchema,
  recordingsAnswerSchema,
  subjects,
} from "@sightline/contracts";
import {
  delays,
  flashAndBeep,
  flashesAndBeeps,
  numberedVideo,
  probed,
  probedSound,
  writeFlashAndBeep,
} from "@sightline/recording/testing";
import { ScriptedCamera, type ScriptedCameraOptions, type ScriptedSound } from "@sightline/rtsp/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { balances, IngestRig } from "../testing/ingest-rig.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-recorded-sound-"));
const disk = join(directory, "disk");
mkdirSync(disk);
const env = { SIGHTLINE_RECORDINGS_DIRECTORY: disk, SIGHTLINE_RECORDING: "continuous" };
/** How far apart a flash and its tone may be, in seconds: by the camera's own clocks, and by arrival alone. */
const [apart, apartByArrival] = [0.05, 0.12];
let rig: IngestRig;
let clip: Awaited<ReturnType<typeof flashAndBeep>>;

beforeAll(async () => {
  rig = await IngestRig.start();
  clip = await flashAndBeep({ seconds: 120, rate: 10, keyEvery: 10, sampleRate: 16_000 });
  await rig.ingest("ingest-1", env);
});

afterAll(async () => {
  await rig?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const registered: string[] = [];
const cameras: ScriptedCamera[] = [];
afterEach(async () => {
  const ids = registered.splice(0);
  await rig.remove(...ids);
  for (const id of ids) await rig.recordFrom(id, undefined);
  await Promise.all(cameras.splice(0).map((camera) => camera.stop()));
});

/** A camera that flashes and beeps. */
async function start(sound: Partial<ScriptedSound> = {}, options: ScriptedCameraOptions = {}) {
  const camera = await ScriptedCamera.start({
    ...{ tracks: [{ clip: clip.video }], sound: { clip: clip.sound, ...sound } },
    ...options,
  });
  cameras.push(camera);
  return camera;
}

async function register(id: string, record: Parameters<IngestRig["register"]>[1], audio = true) {
  if (!registered.includes(id)) registered.push(id);
  await rig.register(id, { ...record, ...(audio && { recording: { audio } }) });
}

async function find(camera: string): Promise<RecordingsAnswer> {
  const request = encodeJson({ fromMs: 0, toMs: Date.now() + 60_000 });
  const reply = await rig.nats.connection.request(subjects.recordingsFind(camera), request, {
    timeout: 10_000,
  });
  return decodeJson(recordingsAnswerSchema, reply.data);
}

/** Waits until so much is recorded, with sound or without, and gives the last of it. */
async function spanOf(camera: string, audio: boolean, ms: number): Promise<RecordingSpan> {
  const wanted = async () =>
    (await find(camera)).spans.findLast((each) => each.audio === audio && each.toMs - each.fromMs > ms);
  await expect.poll(wanted, { timeout: 60_000 }).toBeDefined();
  return (await wanted())!;
}

/** What the ingest answers at a path. */
async function ask(camera: string, path: string): Promise<Response> {
  const { url, token } = await find(camera);
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  return response;
}

/** A file that players are given by a playlist, with its sound or without. */
async function segmentFile(camera: string, query: string): Promise<string> {
  const path = `${recordingPaths.segments(camera)}?from_ms=0&to_ms=${Date.now()}`;
  const { segments } = recordingSegmentsSchema.parse(await (await ask(camera, path)).json());
  const { id } = segments.find(({ audio }) => audio)!;
  const response = await ask(camera, recordingPaths.segment(camera, id) + query);
  const file = join(directory, `${camera}-${id}${query.slice(1)}-segment.mp4`);
  writeFileSync(file, Buffer.from(await response.arrayBuffer()));
  return file;
}

async function video(camera: string, { fromMs, toMs }: { fromMs: number; toMs: number }, query = "") {
  const path = `${recordingPaths.video(camera)}?from_ms=${fromMs}&to_ms=${toMs}${query}`;
  const response = await ask(camera, path);
  const file = join(directory, `${camera}-${fromMs}${query}.mp4`);
  writeFileSync(file, Buffer.from(await response.arrayBuffer()));
  return file;
}

async function expectInTime(file: string, least: number, most = apartByArrival): Promise<void> {
  expect((await probed(file)).complaints).toBe("");
  const found = delays(await flashesAndBeeps(file));
  expect(found.length).toBeGreaterThanOrEqual(least);
  for (const delay of found) expect(Math.abs(delay), `${found}`).toBeLessThan(most);
}

const soundOf = async (id: string, message: string | RegExp) =>
  rig.statusThat(id, ({ recording }) => recording?.soundMessage.match(message) != null);

test("a real RTSP server's sound is recorded with the pictures of its time, with B-frames and by TCP and UDP", async () => {
  const file = join(directory, "flash.mp4");
  await writeFlashAndBeep(file, { seconds: 30, bFrames: 2, channels: 2 });
  const served = await rig.cameras(1, { clip: file, sound: true });
  for (const transport of ["tcp", "udp"] as const) {
    await register(transport, { uri: served.url("camera-1"), transport });
    // The server tells its clocks after some seconds.
    const { toMs } = await spanOf(transport, true, 16_000);
    const clip = await video(transport, { fromMs: toMs - 8_000, toMs });
    expect(await probedSound(clip)).toMatchObject({ codec: "aac", sampleRate: 48_000, channels: 2 });
    await expectInTime(clip, 5, apart);
    const silent = await video(transport, { fromMs: toMs - 8_000, toMs }, "&audio=0");
    expect(await probedSound(silent)).toBeUndefined();
    expect(await probedSound(await segmentFile(transport, ""))).toMatchObject({ codec: "aac" });
    expect(await probedSound(await segmentFile(transport, "?audio=0"))).toBeUndefined();
    const { ledger, recording } = await rig.statusThat(
      transport,
      ({ ledger }) => (ledger?.captured ?? 0) > 300,
    );
    expect(balances(ledger!)).toBe(true);
    expect(recording).toMatchObject({ active: true, message: "", soundMessage: "" });
  }
}, 180_000);

test.each<[string, string, Partial<ScriptedSound>]>([
  ["several frames in a packet", "several", { framesPerPacket: 4 }],
  ["frames in several packets", "parted", { packetBytes: 60 }],
])(
  "%s are put together; what is lost on the way is silence",
  async (_, id, sound) => {
    let count = 0;
    const lossy = { ...sound, packets: (packets: Buffer[]) => packets.filter(() => ++count % 40 !== 0) };
    const camera = await start(lossy);
    await register(id, { uri: camera.url() });
    const { toMs } = await spanOf(id, true, 9_000);
    const file = await video(id, { fromMs: toMs - 7_000, toMs });
    await expectInTime(file, 3);
    const { packets } = (await probedSound(file))!;
    for (const [i, { pts }] of packets.entries())
      if (i > 0) expect(pts).toBeCloseTo(packets[i - 1]!.pts + 1024 / 16_000, 2);
  },
  120_000,
);

test("packets that are no sound at all harm nothing", async () => {
  const camera = await start({
    packets: (packets) =>
      packets.flatMap((packet, i) => [packet, Buffer.alloc(3 + ((i * 37) % 90), 0x80 + i)]),
  });
  await register("garbage", { uri: camera.url() });
  await spanOf("garbage", true, 6_000);
  expect(await rig.statusThat("garbage", ({ state }) => state === CameraState.LIVE)).toMatchObject({
    reconnects: 0,
  });
}, 120_000);

test("sound that begins late and stops again leaves the video whole, and is told", async () => {
  const camera = await start({ from: 6, to: 16 });
  await register("late", { uri: camera.url() });
  await soundOf("late", "^$");
  const { fromMs } = (await find("late").then(({ spans }) => spans[0])) ?? (await spanOf("late", true, 1));
  await soundOf("late", "no sound arrives");
  await soundOf("late", "^$");
  await soundOf("late", "no sound arrives");
  const file = await video("late", { fromMs, toMs: fromMs + 22_000 });
  const { flashes, beeps } = await flashesAndBeeps(file);
  expect(flashes.length).toBeGreaterThanOrEqual(18);
  expect(beeps.length).toBeGreaterThanOrEqual(6);
  await expectInTime(file, 6);
}, 120_000);

const refusals: [string, ScriptedCameraOptions["answer"], RegExp][] = [
  ["refused by 461", refuse("461 Unsupported Transport"), /status 461/],
  ["refused by 454", refuse("454 Session Not Found"), /status 454/],
  ["not answered", (request) => (isSoundSetup(request) ? "silence" : undefined), /does not answer/],
  [
    "answered by an end of the connection",
    (request) => (isSoundSetup(request) ? "close" : undefined),
    /does not answer/,
  ],
  [
    "sent over the video's channels",
    (request) =>
      isSoundSetup(request)
        ? { headers: ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1234"] }
        : undefined,
    /mixes its sound/,
  ],
];

function isSoundSetup({ method, uri }: { method: string; uri: string }): boolean {
  return method === "SETUP" && uri.endsWith("/sound");
}

function refuse(status: string): ScriptedCameraOptions["answer"] {
  return (request) => (isSoundSetup(request) ? { status } : undefined);
}

test.each(refusals)(
  "sound that is %s costs the video nothing",
  async (how, answer, message) => {
    const id = how.replace(/\W+/g, "-");
    const camera = await start({}, { answer });
    await register(id, { uri: camera.url() });
    const { recording } = await soundOf(id, message);
    expect(recording?.soundMessage).toMatch(/only video is recorded$/);
    await spanOf(id, false, 4_000);
    expect(await rig.status(id)).toMatchObject({ state: CameraState.LIVE, failedAttempts: 0 });
  },
  60_000,
);

test("a camera that gives no video when it is asked for its sound too is received without it", async () => {
  let asked = false;
  const camera = await start(
    {},
    {
      answer: (request) => {
        if (request.method === "OPTIONS") asked = false;
        asked ||= isSoundSetup(request);
        return asked && request.method === "PLAY"
          ? { status: "455 Method Not Valid in This State" }
          : undefined;
      },
    },
  );
  await register("without", { uri: camera.url() });
  await soundOf("without", "gave no video when it was asked for its sound");
  await spanOf("without", false, 4_000);
}, 60_000);

test("sound that cannot be recorded is told with what to do", async () => {
  const describe = (sdp: string) =>
    sdp.replace(/m=audio[\s\S]*?a=control/, "m=audio 0 RTP/AVP 0\r\na=control");
  const camera = await start({}, { describe });
  await register("pcmu", { uri: camera.url() });
  await soundOf("pcmu", "sound of the codec PCMU is not recorded; set the camera's sound to AAC");
  const mute = await start({}, { describe: (sdp) => sdp.replace(/m=audio[\s\S]*/, "") });
  await register("mute", { uri: mute.url() });
  await soundOf("mute", "the camera's stream has no sound");
}, 60_000);

test("sound is asked for when the setting says it, and of the stream that is recorded; never of a masked camera", async () => {
  const camera = await start();
  const asksForSound = () => camera.requests.filter(isSoundSetup).length;
  await register("setting", { uri: camera.url() }, false);
  await spanOf("setting", false, 3_000);
  expect(asksForSound()).toBe(0);
  await register("setting", { uri: camera.url() });
  await spanOf("setting", true, 3_000);
  expect(asksForSound()).toBe(1);
  await register("setting", { uri: camera.url() }, false);
  await expect.poll(async () => (await find("setting")).spans.at(-1)?.audio, { timeout: 30_000 }).toBe(false);
  const { ledger, reconnects } = await rig.statusThat("setting", ({ reconnects }) => reconnects === 2);
  expect([balances(ledger!), reconnects]).toEqual([true, 2]);

  const masks = [
    [
      [0, 0],
      [0.5, 0],
      [0.5, 0.5],
    ],
  ] as [number, number][][];
  await register("setting", { uri: camera.url(), privacy: { masks } });
  await soundOf("setting", "masked video is encoded anew without sound");
  expect(asksForSound()).toBe(1);

  const small = await ScriptedCamera.start({
    tracks: [{ clip: await numberedVideo({ rate: 10, seconds: 20 }) }],
  });
  cameras.push(small);
  await rig.recordFrom("two", camera.url());
  await register("two", { uri: small.url() });
  const { toMs } = await spanOf("two", true, 8_000);
  expect(asksForSound()).toBe(2);
  await expectInTime(await video("two", { fromMs: toMs - 6_000, toMs }), 3);
}, 120_000);
