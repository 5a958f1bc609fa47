import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeJson,
  Event,
  EventPhase,
  EventType,
  encodeJson,
  eventsStream,
  RecordingMode,
  type RecordingsAnswer,
  recordingPaths,
  recordingSegmentsSchema,
  recordingsAnswerSchema,
  subjects,
  toTimestamp,
} from "@sightline/contracts";
import { readMovieTimes } from "@sightline/recording";
import { numberedVideo, probed, shownNumbers } from "@sightline/recording/testing";
import { ScriptedCamera, type ScriptedTrack } from "@sightline/rtsp/testing";
import { ensureStream } from "@sightline/service";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { IngestRig } from "../testing/ingest-rig.ts";

/** For a machine that is busy with other tests. */
const patience = { timeout: 30_000 };

const dayMs = 24 * 60 * 60_000;
const directory = mkdtempSync(join(tmpdir(), "sightline-recordings-"));
const disk = join(directory, "disk");
mkdirSync(disk);
// Only root may mount; elsewhere there is no disk that may be filled.
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", disk]).status === 0;
const env = { SIGHTLINE_RECORDINGS_DIRECTORY: disk, SIGHTLINE_PRE_ROLL_SECONDS: "2" };
const cameras: ScriptedCamera[] = [];
const startedAt = Date.now();
let rig: IngestRig;

/** An empty segment as a process of earlier left it. */
function leave(camera: string, ageMs: number, kind: string): string {
  mkdirSync(join(disk, camera), { recursive: true });
  const from = startedAt - ageMs;
  const name = `${from}-${from + 10_000}-h264-64x48-${kind}.mp4`;
  writeFileSync(join(disk, camera, name), "");
  return name;
}

async function tell(camera: string, event: Partial<Event>, id = "one"): Promise<void> {
  const data = Event.encode(Event.fromPartial({ name: `cameras/${camera}/events/${id}`, ...event })).finish();
  await rig.nats.jetstream.publish(subjects.event(camera, id), data);
}

const old = {
  unwanted: leave("old", 10 * 60_000, "pending"),
  wanted: leave("old", 5 * 60_000, "pending"),
  expired: leave("old", 8 * dayMs, "continuous"),
  kept: leave("old", 6 * dayMs, "continuous"),
  event: leave("old", 9 * dayMs, "event"),
  oldEvent: leave("old", 31 * dayMs, "event"),
};

beforeAll(async () => {
  rig = await IngestRig.start();
  await ensureStream(rig.nats.manager, eventsStream({ maxAgeSeconds: 3600, maxBytes: 1e8, replicas: 1 }));
  const startTime = toTimestamp(startedAt - 5 * 60_000 + 11_000);
  await tell("old", { type: EventType.LEFT, phase: EventPhase.ONCE, startTime });
  await rig.ingest("ingest-1", env);
});

afterAll(async () => {
  await rig?.stop();
  for (const camera of cameras) await camera.stop();
  if (mounted) spawnSync("umount", [disk]);
  rmSync(directory, { recursive: true, force: true });
});

async function scripted(track: ScriptedTrack): Promise<string> {
  const camera = await ScriptedCamera.start({ tracks: [track] });
  cameras.push(camera);
  return camera.url();
}

async function find(
  camera: string,
  fromMs = startedAt,
  toMs = Date.now() + 60_000,
): Promise<RecordingsAnswer> {
  const request = encodeJson({ fromMs, toMs });
  const reply = await rig.nats.connection.request(subjects.recordingsFind(camera), request, {
    timeout: 10_000,
  });
  return decodeJson(recordingsAnswerSchema, reply.data);
}

async function ask(
  { url, token }: RecordingsAnswer,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
) {
  return fetch(url + path, { method, headers: { authorization: `Bearer ${token}`, ...headers } });
}

/** Waits until so many milliseconds of a camera can be had. */
async function recorded(camera: string, ms: number): Promise<RecordingsAnswer> {
  let answer = await find(camera);
  const length = () => answer.spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  await expect
    .poll(async () => {
      answer = await find(camera);
      return length();
    })
    .toBeGreaterThan(ms);
  return answer;
}

async function save(response: Response, name: string): Promise<string> {
  const path = join(directory, name);
  writeFileSync(path, Buffer.from(await response.arrayBuffer()));
  return path;
}

test("of what an earlier process left, what events want and what is not old stays", async () => {
  await expect
    .poll(() => readdirSync(join(disk, "old")).toSorted())
    .toEqual([old.wanted.replace("pending", "event"), old.kept, old.event].toSorted());
});

test.each(["H264", "H265"] as const)(
  "%s by RTSP is recorded picture by picture, and a range comes as one MP4 with parts",
  async (codec) => {
    const name = codec.toLowerCase();
    const uri = await scripted({ clip: await numberedVideo({ codec, seconds: 30, encode: ["-bf", "2"] }) });
    await rig.register(name, { uri, recording: { mode: "continuous" } });
    const answer = await recorded(name, 3_500);
    expect(answer.spans).toMatchObject([
      { codec: name, width: 384, height: 128, audio: false, eventsOnly: false },
    ]);
    // What is written meanwhile would make another movie of its end.
    const { fromMs } = answer.spans[0]!;
    const toMs = answer.spans[0]!.toMs - 500;
    const path = `${recordingPaths.video(name)}?from_ms=${fromMs + 1300}&to_ms=${toMs}`;
    const response = await ask(answer, path);
    expect(response.status).toBe(200);
    const file = await save(response, `${name}.mp4`);
    const probe = await probed(file);
    expect(probe).toMatchObject({ complaints: "", codec: codec === "H264" ? "h264" : "hevc", width: 384 });
    // From the key picture before the range on, every picture.
    const numbers = await shownNumbers(file);
    expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
    expect(numbers[0]! % 25).toBe(0);
    expect(probe.packets).toHaveLength(numbers.length);
    const begins = Number(response.headers.get("sightline-from-ms"));
    expect(begins).toBeLessThanOrEqual(fromMs + 1300);
    expect(begins).toBeGreaterThan(fromMs - 1);
    const times = readMovieTimes(readFileSync(file))!;
    for (const index of [0, 1, 24, 26, 37]) {
      // Decoding may take a tenth of the machine, so that the next is given a little later.
      const picture = await vi.waitUntil(async () => {
        const given = await ask(answer, `${recordingPaths.picture(name)}?at_ms=${times[index]!.captureMs}`);
        return given.status === 503 ? undefined : given;
      }, patience);
      expect([picture.status, picture.headers.get("sightline-picture-size")]).toEqual([200, "384x128"]);
      expect(await shownNumbers(await save(picture, `${name}.jpg`))).toEqual([numbers[index]]);
    }
    const between = await ask(answer, `${recordingPaths.picture(name)}?at_ms=${times[9]!.captureMs + 3}`);
    expect(between.status).toBe(404);
    const etag = response.headers.get("etag")!;
    const part = await ask(answer, path, { range: "bytes=1000-1999", "if-range": etag });
    expect([part.status, part.headers.get("content-range")]).toEqual([
      206,
      `bytes 1000-1999/${response.headers.get("content-length")}`,
    ]);
    const whole = Buffer.from(await (await ask(answer, path)).arrayBuffer());
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(1000, 2000))).toBe(true);
    expect((await ask(answer, path, { range: `bytes=${whole.length}-` })).status).toBe(416);
    const status = await rig.statusThat(name, ({ recording }) => (recording?.bytes ?? 0) > 0);
    expect(status.recording).toMatchObject({ mode: RecordingMode.CONTINUOUS, active: true, message: "" });
  },
);

test("segments are listed with what a player needs first; who has no token gets nothing; what is deleted is gone", async () => {
  const answer = await find("h264");
  const list = await ask(answer, `${recordingPaths.segments("h264")}?from_ms=0&to_ms=${Date.now()}`);
  const { segments } = recordingSegmentsSchema.parse(await list.json());
  const { id, initBytes, bytes } = segments[0]!;
  const file = await ask(answer, recordingPaths.segment("h264", id), { range: `bytes=0-${initBytes - 1}` });
  const head = Buffer.from(await file.arrayBuffer());
  expect(head.length).toBe(initBytes);
  expect(head.indexOf("moov")).toBeGreaterThan(0);
  expect(bytes).toBeGreaterThan(initBytes);
  const paths = [
    recordingPaths.video("h264"),
    recordingPaths.segments("h264"),
    recordingPaths.segment("h264", id),
    recordingPaths.picture("h264"),
  ];
  for (const path of paths) expect((await fetch(answer.url + path)).status).toBe(401);
  expect((await ask({ ...answer, token: "guess" }, paths[0]!)).status).toBe(401);
  expect((await ask(answer, `${paths[0]}?from_ms=1&to_ms=2`)).status).toBe(404);
  expect(await (await ask(answer, `${paths[0]}?from_ms=2&to_ms=1`)).json()).toMatchObject({
    code: "invalid_argument",
  });
  await rig.register("h264", { uri: cameras[0]!.url(), recording: { mode: "off" } });
  await rig.statusThat("h264", ({ recording }) => recording?.mode === RecordingMode.OFF && !recording.active);
  const deleted = await ask(answer, recordingPaths.camera("h264"), {}, "DELETE");
  expect(await deleted.json()).toMatchObject({
    deletedSegments: expect.any(Number),
    deletedBytes: expect.any(Number),
  });
  expect((await find("h264")).spans).toEqual([]);
  expect(readdirSync(disk)).not.toContain("h264");
  await rig.remove("h264", "h265");
});

test.skipIf(!mounted)(
  "a full disk stops the recording, with its reason, and not the analysis; both go on when there is room",
  async () => {
    await rig.register("full", { uri: await scripted({ clip: await numberedVideo({ seconds: 10 }) }) });
    await recorded("full", 1_000);
    const filler = join(disk, "filler");
    spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=1M"]);
    const full = await rig.statusThat("full", ({ recording }) => recording?.message !== "");
    expect(full.recording).toMatchObject({ active: false, mode: RecordingMode.EVENTS });
    expect(full.recording!.message).toContain("recording has stopped: the disk of");
    const before = rig.worker.of("full").length;
    await rig.framesOf("full", before + 20);
    rmSync(filler);
    await rig.statusThat("full", ({ recording }) => recording?.active === true && recording.message === "");
    await rig.remove("full");
  },
);

test("a process that is killed loses a second or two; another process cannot write to the folder of one that runs", async () => {
  const folder = join(directory, "killed");
  const own = { SIGHTLINE_RECORDINGS_DIRECTORY: folder, SIGHTLINE_RECORDING: "continuous" };
  // The first ingest has the others; it must not get this camera.
  const other = await IngestRig.start();
  try {
    const child = await other.ingestProcess("killed", own);
    await other.register("front", {
      uri: await scripted({ clip: await numberedVideo({ seconds: 60, keyEvery: 250 }) }),
    });
    await other.framesOf("front", 130);
    const second = await other.ingest("second", own);
    const shut = await other.ingest("third", { ...own, SIGHTLINE_RECORDINGS_DIRECTORY: folder });
    await Promise.all([second.stop(), shut.stop()]);
    const seen = other.worker.of("front").length;
    // While it is there, the folder is its own.
    await child.kill("SIGKILL");
    await other.buckets.cameras.delete("front");
    await other.ingest("after", own);
    const request = encodeJson({ fromMs: 0, toMs: Date.now() });
    const reply = await other.nats.connection.request(subjects.recordingsFind("front"), request, {
      timeout: 10_000,
    });
    const answer = decodeJson(recordingsAnswerSchema, reply.data);
    const video = await ask(
      answer,
      `${recordingPaths.video("front")}?from_ms=${startedAt}&to_ms=${Date.now()}`,
    );
    const numbers = await shownNumbers(await save(video, "killed.mp4"));
    expect(numbers).toEqual([...numbers.keys()]);
    // Workers take no more frames than there are.
    expect(numbers.length).toBeGreaterThan(seen - 60);
  } finally {
    await other.stop();
  }
});
