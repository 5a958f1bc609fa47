import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CameraState,
  type CameraStatus,
  decodeJson,
  encodeJson,
  fromTimestamp,
  type RecordedSpan,
  recordingsAnswerSchema,
  subjects,
} from "@sightline/contracts";
import { readClip, ScriptedCamera, type ScriptedRequest } from "@sightline/rtsp/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { balances, IngestRig } from "./testing/ingest-rig.ts";
import type { WorkerFrame } from "./testing/test-worker.ts";

let rig: IngestRig;
let open: ScriptedCamera[];
let folder: string;

beforeEach(async () => {
  open = [];
  folder = mkdtempSync(join(tmpdir(), "sightline-handover-"));
  rig = await IngestRig.start();
});
afterEach(async () => {
  await rig?.stop();
  await Promise.all(open.map((camera) => camera.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const recordingAs = (ingest: string) => ({
  SIGHTLINE_RECORDINGS_DIRECTORY: join(folder, ingest),
  SIGHTLINE_RECORDING: "continuous",
});

/** What each ingest has recorded of a camera, without a pause. */
async function recorded(camera: string): Promise<Map<string, RecordedSpan>> {
  const request = encodeJson({ fromMs: 0, toMs: Date.now() + 60_000 });
  const subject = subjects.recordingsFind(camera);
  const options = { maxWait: 500, strategy: "stall" } as const;
  const answers = new Map<string, RecordedSpan>();
  for await (const message of await rig.nats.connection.requestMany(subject, request, options)) {
    const { ingest, spans } = decodeJson(recordingsAnswerSchema, message.data);
    const [span, ...others] = spans;
    expect(others).toEqual([]);
    if (span) answers.set(ingest, span);
  }
  return answers;
}

async function scripted(options: Parameters<typeof ScriptedCamera.start>[0]): Promise<ScriptedCamera> {
  const camera = await ScriptedCamera.start(options);
  open.push(camera);
  return camera;
}

const live = ({ state }: CameraStatus) => state === CameraState.LIVE;
const heldBy = (ingest: string) => (status: CameraStatus) => live(status) && status.ingest === ingest;
const epochs = (frames: WorkerFrame[]) => [...new Set(frames.map(({ frame }) => frame.epoch))];
const picture = ({ pixels }: WorkerFrame) => createHash("sha1").update(pixels).digest("hex");

const moreFramesOf = (camera: string, count: number) =>
  rig.framesOf(camera, rig.worker.of(camera).length + count);

/** Every frame once, and each epoch's captured after those of the epoch before. */
function expectEachOnce(taken: WorkerFrame[]): void {
  // A worker takes several at a time.
  const frames = epochs(taken).flatMap((epoch) =>
    taken.filter(({ frame }) => frame.epoch === epoch).sort((a, b) => a.frame.number - b.frame.number),
  );
  const ids = frames.map(({ frame }) => `${frame.epoch}:${frame.number}`);
  expect(new Set(ids).size).toBe(ids.length);
  const times = frames.map(({ frame }) => fromTimestamp(frame.captureTime!));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  // Were one that the first had counted too, the pictures would be the same: there are no two alike beside each other.
  for (const [i, frame] of frames.slice(1).entries()) expect(picture(frame)).not.toBe(picture(frames[i]!));
}

test("a process that stops gives its camera to another: each frame is counted once, and its account balances", async () => {
  const cameras = await rig.cameras(1);
  const leaving = await rig.ingest("leaving");
  await rig.register("front", { uri: cameras.url("camera-1") });
  await rig.framesOf("front", 10);
  await rig.ingest("staying");
  await rig.shared(2);
  const following = await rig.followStatus("front");
  await leaving.stop();
  await rig.statusThat("front", heldBy("staying"));
  await moreFramesOf("front", 10);
  await following.stop();
  const frames = rig.worker.of("front");
  expectEachOnce(frames);
  expect(epochs(frames)).toHaveLength(2);
  for (const { ledger } of following.statuses) expect(balances(ledger!)).toBe(true);
});

// On a busy machine the other may not get ready in time, and the camera goes over the old way.
test("a process that joins is connected to its share before it has it", { retry: 3 }, async () => {
  const cameras = await rig.cameras(2);
  const names = ["camera-1", "camera-2"];
  await rig.ingest("first", recordingAs("first"));
  for (const name of names) await rig.register(name, { uri: cameras.url(name) });
  for (const name of names) await rig.framesOf(name, 5);
  const following = await Promise.all(names.map((name) => rig.followStatus(name)));
  await rig.ingest("second", recordingAs("second"));
  const moved = await Promise.any(
    names.map(async (name) => (await rig.statusThat(name, heldBy("second"))) && name),
  );
  await moreFramesOf(moved, 10);
  await Promise.all(following.map(({ stop }) => stop()));
  for (const name of names) expectEachOnce(rig.worker.of(name));
  const frames = rig.worker.of(moved);
  const [first, ...others] = epochs(frames);
  expect(others).toHaveLength(1);
  // It never was without an ingest, and the last word of the one that left it is a settled account.
  const { statuses } = following[names.indexOf(moved)]!;
  expect(statuses.every(live)).toBe(true);
  const { ledger } = statuses.findLast(({ ingest }) => ingest === "first")!;
  expect(balances(ledger!) && ledger!.inFlight).toBe(0);
  expect(ledger!.inferred).toBe(frames.filter(({ frame }) => frame.epoch === first).length);
  // What one has recorded ends before what the other has begins.
  await expect
    .poll(() => recorded(moved).then((spans) => [...spans.keys()].sort()))
    .toEqual(["first", "second"]);
  const spans = await recorded(moved);
  expect(spans.get("first")!.toMs).toBeLessThanOrEqual(spans.get("second")!.fromMs);
});

test("a camera that serves only one at a time is left first, and never told to be down", async () => {
  const clip = await readClip();
  let playing = 0;
  const camera = await scripted({
    tracks: [{ clip }],
    answer: ({ method }: ScriptedRequest) => {
      if (method === "SETUP" && camera.connections > 1) return { status: "453 Not Enough Bandwidth" };
      if (method === "PLAY") playing += 1;
      return undefined;
    },
  });
  const leaving = await rig.ingest("leaving");
  await rig.register("single", { uri: camera.url() });
  await rig.framesOf("single", 5);
  await rig.ingest("staying");
  await rig.shared(2);
  const following = await rig.followStatus("single");
  await leaving.stop();
  await rig.statusThat("single", heldBy("staying"));
  await moreFramesOf("single", 5);
  await following.stop();
  const told = following.statuses.filter(({ ingest }) => ingest === "staying");
  expect(told.map(({ state }) => state)).not.toContain(CameraState.DOWN);
  expect(playing).toBe(2);
  expectEachOnce(rig.worker.of("single"));
});

// A process that stands still for seconds on a busy machine takes the camera for stalled.
test("a camera whose second client drives out the first is handed over all the same, and never told to be down", {
  retry: 3,
}, async () => {
  const clip = await readClip();
  const camera = await scripted({
    tracks: [{ clip }],
    answer: ({ method }) => {
      if (method === "SETUP") camera.disconnectOlder();
      return undefined;
    },
  });
  const leaving = await rig.ingest("leaving");
  await rig.register("jealous", { uri: camera.url() });
  // The clip begins anew for the second client, which is counted from about its fifth picture on: the first is past that by then.
  await rig.framesOf("jealous", 10);
  await rig.ingest("staying");
  await rig.shared(2);
  const following = await rig.followStatus("jealous");
  await leaving.stop();
  await rig.statusThat("jealous", heldBy("staying"));
  await moreFramesOf("jealous", 5);
  await following.stop();
  expect(following.statuses.map(({ state }) => state)).not.toContain(CameraState.DOWN);
  expectEachOnce(rig.worker.of("jealous"));
});

// On a busy machine what is late may come too late.
test("a camera that answers a second client late or never is taken up where the connection stands, or anew, and never told to be down", {
  retry: 3,
}, async () => {
  const clip = await readClip();
  const describes = { late: 0, never: 0 };
  const answering = (name: keyof typeof describes) =>
    scripted({
      tracks: [{ clip }],
      answer: ({ method }: ScriptedRequest) => {
        if (method !== "DESCRIBE") return undefined;
        describes[name] += 1;
        if (describes[name] !== 2) return undefined;
        return name === "never" ? "silence" : { afterMs: 4_000 };
      },
    });
  const cameras = { late: await answering("late"), never: await answering("never") };
  const names = ["late", "never"] as const;
  const leaving = await rig.ingest("leaving");
  for (const name of names) await rig.register(name, { uri: cameras[name].url() });
  for (const name of names) await rig.framesOf(name, 5);
  await rig.ingest("staying");
  await rig.shared(2);
  const following = await Promise.all(names.map((name) => rig.followStatus(name)));
  await leaving.stop();
  for (const name of names) {
    await rig.statusThat(name, heldBy("staying"));
    await moreFramesOf(name, 5);
    expectEachOnce(rig.worker.of(name));
  }
  await Promise.all(following.map(({ stop }) => stop()));
  const states = following.flatMap(({ statuses }) => statuses.map(({ state }) => state));
  expect(states).not.toContain(CameraState.DOWN);
  expect(describes).toEqual({ late: 2, never: 3 });
});

test("a process that is killed while it gets ready costs nothing: the camera stays or goes to another", async () => {
  const clip = await readClip();
  const asked = Promise.withResolvers<void>();
  let describes = 0;
  const camera = await scripted({
    tracks: [{ clip }],
    // The second that asks gets no answer, so that it is not ready when it is killed.
    answer: ({ method }) => {
      if (method === "DESCRIBE") describes += 1;
      if (method !== "DESCRIBE" || describes !== 2) return undefined;
      asked.resolve();
      return "silence";
    },
  });
  const leaving = await rig.ingest("leaving");
  await rig.register("front", { uri: camera.url() });
  await rig.framesOf("front", 5);
  const killed = await rig.ingestProcess("killed");
  await rig.shared(2);
  const stopped = leaving.stop();
  await asked.promise;
  await killed.kill("SIGKILL");
  await stopped;
  await rig.ingest("third");
  await rig.statusThat("front", heldBy("third"));
  await moreFramesOf("front", 5);
  expectEachOnce(rig.worker.of("front"));
});

test("what was given to a process that is killed before it begins goes to another when its lease expires", async () => {
  const cameras = await rig.cameras(1);
  const leaving = await rig.ingest("leaving");
  await rig.register("front", { uri: cameras.url("camera-1") });
  await rig.framesOf("front", 5);
  const killed = await rig.ingestProcess("killed");
  await rig.shared(2);
  // It has no time to begin: it is killed as soon as the camera is its own.
  const holders = await rig.buckets.holders.watch({ key: "camera.front" });
  const passed = (async () => {
    let first: string | undefined;
    for await (const entry of holders) {
      first ??= entry.string();
      if (entry.string() !== first) break;
    }
    await killed.kill("SIGKILL");
  })();
  await Promise.all([leaving.stop(), passed]);
  await rig.ingest("third");
  await rig.statusThat("front", heldBy("third"));
  await moreFramesOf("front", 5);
  expectEachOnce(rig.worker.of("front"));
});
