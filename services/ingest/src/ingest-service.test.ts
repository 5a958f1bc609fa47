import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CameraReason,
  CameraState,
  type CameraStatus,
  DropReason,
  fromTimestamp,
  parseFrameId,
  streams,
  subjects,
} from "@sightline/contracts";
import { findFfmpeg } from "@sightline/rtsp";
import { readClip, ScriptedCamera } from "@sightline/rtsp/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { balances, IngestRig, testModel } from "./testing/ingest-rig.ts";

let rig: IngestRig;
let address: string;
let folder: string;

/** ffmpeg, but where it is asked to decode with CUDA it decodes ten pictures without, and then fails as a GPU may. */
const ffmpegWithGpu = (ffmpeg: string) => `#!/bin/sh
case " $* " in *" -hwaccel "*) ;; *) exec '${ffmpeg}' "$@" ;; esac
set -- "$@" end
while [ "$1" != end ]; do
  case "$1" in
    -hwaccel | -hwaccel_output_format | -extra_hw_frames) shift ;;
    -fps_mode) set -- "$@" -frames:v 10 "$1" ;;
    *) set -- "$@" "$(printf %s "$1" | sed 's/scale_cuda=\\(.*\\):format=.*,hwdownload/scale=\\1/')" ;;
  esac
  shift
done
shift
'${ffmpeg}' "$@"
echo "the GPU has fallen off the bus" >&2
exit 1
`;

beforeAll(async () => {
  rig = await IngestRig.start();
  folder = mkdtempSync(join(tmpdir(), "sightline-ffmpeg-"));
  const path = join(folder, "ffmpeg");
  writeFileSync(path, ffmpegWithGpu(await findFfmpeg(process.env.FFMPEG_PATH)), { mode: 0o755 });
  ({ address } = await rig.ingest("ingest-1", { FFMPEG_PATH: path }));
});

afterAll(async () => {
  await rig?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const live = ({ state }: { state: CameraState }) => state === CameraState.LIVE;
const numbersOf = (camera: string) => rig.worker.of(camera).map(({ frame }) => frame.number);

async function metrics(): Promise<string[]> {
  return (await (await fetch(`http://${address}/metrics`)).text()).split("\n");
}

test("frames come in order, each naming the one before, with their stream's own times, and the account balances", async () => {
  const cameras = await rig.cameras(1);
  await rig.register("front", { uri: cameras.url("camera-1") });
  await rig.framesOf("front", 15);
  const frames = rig.worker.of("front").map(({ frame }) => frame);
  for (const [i, frame] of frames.slice(1).entries()) {
    const before = frames[i]!;
    expect(frame.previousNumber).toBe(before.number);
    // The clip has 10 frames a second; a number that was left out was a frame too.
    expect(frame.ptsUs - before.ptsUs).toBe((frame.number - before.number) * 100_000);
    expect(fromTimestamp(frame.captureTime!)).toBeGreaterThanOrEqual(fromTimestamp(before.captureTime!));
    expect(frame.epoch).toBe(before.epoch);
  }
  expect(frames[0]).toMatchObject({
    camera: "cameras/front",
    sourceWidth: 768,
    sourceHeight: 576,
    width: testModel.width,
    height: testModel.height,
    letterbox: { left: 2, top: 9, width: 316, height: 237 },
  });
  // The first came as bytes, since the worker did not know the shared memory yet; the others by handles.
  for (const { pixels } of [rig.worker.of("front")[0]!, rig.worker.of("front").at(-1)!]) {
    expect(pixels[0]).toBe(testModel.padValue);
    expect(new Set(pixels).size).toBeGreaterThan(100);
  }
  const handedOver = (await metrics()).filter((line) => /frames_handed_over_total.* [1-9]/.test(line));
  expect(handedOver.map((line) => /as="(\w+)"/.exec(line)?.[1])).toEqual(["handle", "bytes_worker"]);

  const status = await rig.statusThat("front", (each) => live(each) && (each.ledger?.inferred ?? 0) >= 10);
  expect(status).toMatchObject({ codec: "h264", sourceWidth: 768, sourceHeight: 576, reconnects: 0 });
  expect(status.ledger && balances(status.ledger)).toBe(true);
});

test("a decoder on a GPU that fails gives way to software, with the reason told and every frame counted", async () => {
  const cameras = await rig.cameras(1);
  await rig.register("gpu", { uri: cameras.url("camera-1"), decode: "cuda" });
  const status = await rig.statusThat(
    "gpu",
    (each) => live(each) && each.decoder === "software" && (each.ledger?.inferred ?? 0) > 15,
  );
  expect(status).toMatchObject({
    decoderNote: "CUDA: ffmpeg failed: the GPU has fallen off the bus",
    sourceWidth: 768,
    reconnects: 1,
    failedAttempts: 0,
  });
  expect(status.ledger && balances(status.ledger)).toBe(true);
  const scrape = await metrics();
  expect(scrape).toContain('sightline_decoder_failures_total{camera="gpu"} 1');
  expect(scrape).toContain('sightline_camera_decoder{camera="gpu",decoder="software"} 1');
  const letterboxes = rig.worker.of("gpu").map(({ frame }) => JSON.stringify(frame.letterbox));
  expect(new Set(letterboxes).size).toBe(1);
  const numbers = numbersOf("gpu");
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  await rig.remove("gpu");
});

test("pixels that are not square are made so, as each picture says it, fields become whole pictures, and what is on its side is turned", async () => {
  const encoded = (filters: string, ...more: string[]) =>
    readClip({
      seconds: 1,
      encode: ["-vf", filters, "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", ...more],
    });
  const squeezed = await encoded("scale=384:576,setsar=2");
  const narrow = await encoded("scale=384:576,setsar=1");
  const after = narrow.units.map((unit) => ({ ...unit, pts: unit.pts + 1, dts: unit.dts + 1 }));
  const changing = { ...squeezed, units: [...squeezed.units, ...after], duration: 2 };
  const fields = await encoded(
    "scale=720:576,setsar=16/11,fps=20,interlace",
    "-flags",
    "+ildct+ilme",
    "-x264opts",
    "tff=1",
  );
  const turned = await encoded("transpose=cclock");
  // Supplemental information: to be turned clockwise. Key pictures alone say it.
  const says = Buffer.from([0, 0, 0, 1, 6, 47, 3, 0x18, 0x00, 0x09, 0x80]);
  const [key, ...others] = turned.units;
  const onItsSide = { ...turned, units: [{ ...key!, data: Buffer.concat([says, key!.data]) }, ...others] };
  const sideways = await ScriptedCamera.start({ tracks: [{ clip: onItsSide }] });
  await rig.register("sideways", { uri: sideways.url(), targetFps: 1 });
  const camera = await ScriptedCamera.start({ tracks: [{ clip: changing }] });
  const analog = await ScriptedCamera.start({ tracks: [{ clip: fields }] });
  await rig.register("changing", { uri: camera.url() });
  await rig.register("analog", { uri: analog.url() });
  const lies = (wanted: number) =>
    rig.worker.of("changing").find(({ frame }) => frame.sourceWidth === wanted);
  await expect.poll(() => [lies(768), lies(384)].every(Boolean)).toBe(true);
  for (const [width, letterbox] of [
    [768, { left: 2, top: 9, width: 316, height: 237 }],
    [384, { left: 74, top: 0, width: 171, height: 256 }],
  ] as const) {
    const { frame, pixels } = lies(width)!;
    expect(frame).toMatchObject({ sourceHeight: 576, letterbox });
    const middle = testModel.width * (testModel.height / 2);
    const row = pixels.subarray(middle, middle + testModel.width);
    const { left, width: columns } = letterbox;
    expect(new Set([...row.subarray(0, left), ...row.subarray(left + columns)])).toEqual(
      new Set([testModel.padValue]),
    );
    expect(row[left] !== testModel.padValue || row[left + 1] !== testModel.padValue).toBe(true);
  }
  const status = await rig.statusThat("analog", (each) => live(each) && (each.ledger?.inferred ?? 0) >= 10);
  expect(status).toMatchObject({ sourceWidth: 1047, sourceHeight: 576, reconnects: 1 });
  expect(status.ledger && balances(status.ledger)).toBe(true);
  const upright = await rig.statusThat(
    "sideways",
    (each) => live(each) && (each.ledger?.inferred ?? 0) >= 15,
  );
  expect(upright).toMatchObject({ sourceWidth: 768, sourceHeight: 576, reconnects: 1 });
  // Key pictures alone say it, and the sampler goes on over them.
  const { captured, inferred, dropped } = upright.ledger!;
  const waited = dropped.find(({ reason }) => reason === DropReason.SUPERSEDED)?.count ?? 0;
  expect(inferred + waited).toBeLessThan(captured / 10 + 3);
  expect(new Set(rig.worker.of("sideways").map(({ frame }) => frame.sourceWidth))).toEqual(new Set([768]));
  await rig.remove("changing", "analog", "sideways");
  await Promise.all([camera.stop(), analog.stop(), sideways.stop()]);
});

test("the account agrees with the stream of detections to the frame", async () => {
  await rig.remove("front");
  const subject = subjects.detections("front");
  const stored = async () => {
    const info = await rig.nats.manager.streams.info(streams.detections, { subjects_filter: subject });
    return info.state.subjects?.[subject];
  };
  // The last one may be on its way still.
  await expect.poll(async () => (await stored()) === rig.worker.of("front").length).toBe(true);
  expect(await metrics()).toContain("sightline_frame_memory_bytes 0");
});

test("the metrics of one scrape balance for every camera, and a removed camera's are gone", async () => {
  const cameras = await rig.cameras(2);
  await rig.register("left", { uri: cameras.url("camera-1") });
  await rig.register("right", { uri: cameras.url("camera-2"), targetFps: 4 });
  await rig.framesOf("left", 10);
  await rig.framesOf("right", 5);
  const lines = await metrics();
  for (const camera of ["left", "right"]) {
    const sum = (name: string) =>
      lines
        .filter((line) => line.startsWith(`sightline_frames_${name}{camera="${camera}"`))
        .reduce((total, line) => total + Number(line.split(" ")[1]), 0);
    expect(sum("captured_total")).toBeGreaterThan(0);
    expect(sum("captured_total")).toBe(sum("inferred_total") + sum("dropped_total") + sum("in_flight"));
  }
  expect(lines).toContain('sightline_camera_up{camera="left"} 1');
  await rig.buckets.cameras.delete("left");
  await expect.poll(async () => (await metrics()).filter((line) => line.includes('"left"'))).toEqual([]);
  expect(await metrics()).toContain('sightline_camera_up{camera="right"} 1');
  await rig.remove("right");
});

test("a new rate takes effect within the same epoch, and only for that camera", async () => {
  const cameras = await rig.cameras(2);
  await rig.register("quick", { uri: cameras.url("camera-1") });
  await rig.register("calm", { uri: cameras.url("camera-2") });
  await rig.framesOf("quick", 5);
  await rig.framesOf("calm", 5);
  await rig.register("quick", { uri: cameras.url("camera-1"), targetFps: 2 });
  const { ledger } = await rig.statusThat(
    "quick",
    (each) => (each.ledger?.dropped.find(({ reason }) => reason === DropReason.SAMPLED_OUT)?.count ?? 0) > 10,
  );
  expect(ledger && balances(ledger)).toBe(true);
  expect(new Set(rig.worker.of("quick").map(({ frame }) => frame.epoch)).size).toBe(1);
  const lastStep = () => numbersOf("quick").at(-1)! - numbersOf("quick").at(-2)!;
  await expect.poll(lastStep).toBe(5);
  expect((await rig.status("calm"))?.reconnects).toBe(0);
  await rig.remove("quick", "calm");
});

test("a change of score and classes does not touch the stream", async () => {
  const cameras = await rig.cameras(1);
  await rig.register("same", { uri: cameras.url("camera-1") });
  await rig.framesOf("same", 3);
  await rig.register("same", { uri: cameras.url("camera-1"), minScore: 0.7, classes: ["person"] });
  await rig.framesOf("same", 20);
  expect(await rig.status("same")).toMatchObject({ reconnects: 0 });
  // A new stream would begin with other times; a frame that was superseded leaves the others' as they are.
  const [first, ...later] = rig.worker.of("same").map(({ frame }) => frame);
  for (const { epoch, number, ptsUs } of later)
    expect([epoch, ptsUs]).toEqual([first!.epoch, first!.ptsUs + (number - first!.number) * 100_000]);
  await rig.remove("same");
});

test("what workers say of frames is entered under its reason, and a silent worker's frame as lost", async () => {
  const cameras = await rig.cameras(1);
  const fates = new Map<number, number>();
  rig.worker.outcome = ({ camera, frame }) => {
    if (camera !== "fates") return "infer";
    const fate = frame.number % 5;
    fates.set(fate, (fates.get(fate) ?? 0) + 1);
    if (fate === 1) return { drop: DropReason.STALE };
    if (fate === 2) return { drop: DropReason.WORKER_ERROR };
    return fate === 3 && fates.get(3) === 1 ? "silent" : "infer";
  };
  await rig.register("fates", { uri: cameras.url("camera-1") });
  const { ledger } = await rig.statusThat("fates", (each) =>
    Boolean(each.ledger?.dropped.some(({ reason }) => reason === DropReason.WORKER_LOST)),
  );
  rig.worker.outcome = () => "infer";
  expect(ledger && balances(ledger)).toBe(true);
  const count = (wanted: DropReason) => ledger?.dropped.find(({ reason }) => reason === wanted)?.count;
  expect(count(DropReason.WORKER_LOST)).toBe(1);
  expect(count(DropReason.STALE)).toBeGreaterThan(5);
  expect(count(DropReason.WORKER_ERROR)).toBeGreaterThan(5);
  expect(ledger?.inferred).toBeGreaterThan(20);
  await rig.remove("fates");
});

test("a camera of a model that nobody serves says so, and starts when somebody does", async () => {
  const cameras = await rig.cameras(1);
  await rig.register("waiting", { uri: cameras.url("camera-1"), model: "other-model" });
  const status = await rig.statusThat("waiting", ({ reason }) => reason === CameraReason.MODEL_NOT_SERVED);
  expect(status).toMatchObject({ state: CameraState.DOWN });
  expect(status.message).toContain("'other-model'");
  await rig.register("waiting", { uri: cameras.url("camera-1") });
  await rig.statusThat("waiting", live);
  await rig.framesOf("waiting", 2);
  await rig.remove("waiting");
});

test("two ingests share cameras, and one that stops leaves its own to the other", async () => {
  const second = await rig.ingest("ingest-2");
  const cameras = await rig.cameras(4);
  for (const name of cameras.names) await rig.register(`shared-${name}`, { uri: cameras.url(name) });
  const holders = await Promise.all(
    cameras.names.map(async (name) => (await rig.statusThat(`shared-${name}`, live)).ingest),
  );
  expect(new Set(holders)).toEqual(new Set(["ingest-1", "ingest-2"]));
  await second.stop();
  for (const name of cameras.names)
    await rig.statusThat(`shared-${name}`, (each) => live(each) && each.ingest === "ingest-1");
  await rig.remove(...cameras.names.map((name) => `shared-${name}`));
});

test("cameras of an ingest that was killed are taken over in a new epoch", async () => {
  const doomed = await rig.ingestProcess("doomed");
  const cameras = await rig.cameras(4);
  const before = new Map<string, CameraStatus>();
  // Whoever is slow to take a camera that it is due leaves it to the other.
  while (![...before.values()].some(({ ingest }) => ingest === "doomed"))
    for (const name of cameras.names) {
      const id = `left-${name}-${before.size}`;
      await rig.register(id, { uri: cameras.url(name) });
      before.set(id, await rig.statusThat(id, live));
    }
  await doomed.kill("SIGKILL");
  for (const [id, { ingest, epoch }] of before) {
    const after = await rig.statusThat(id, (each) => live(each) && each.ingest === "ingest-1");
    if (ingest === "ingest-1") expect(after.epoch).toBe(epoch);
    else expect(after.epoch).not.toBe(epoch);
  }
  await rig.remove(...before.keys());
});

test("every frame the worker ever had was had once", () => {
  const ids = rig.worker.frames.map(({ camera, frame }) => `${camera}:${frame.epoch}:${frame.number}`);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => parseFrameId(id))).toBe(true);
});
