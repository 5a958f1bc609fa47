import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { recordingPaths, recordingSegmentsSchema } from "@sightline/contracts";
import { flashesAndBeeps, probedSound, writeFlashAndBeep } from "@sightline/recording/testing";
import type { ScriptedSound } from "@sightline/rtsp/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { balances } from "../testing/ingest-rig.ts";
import { apart, expectInTime, SoundRig } from "./testing/sound-rig.ts";

let rig: SoundRig;

beforeAll(async () => {
  rig = await SoundRig.start();
});

afterEach(() => rig.clear());
afterAll(() => rig?.stop());

/** A file that players are given by a playlist, with its sound or without. */
async function segmentFile(camera: string, query: string): Promise<string> {
  const path = `${recordingPaths.segments(camera)}?from_ms=0&to_ms=${Date.now()}`;
  const { segments } = recordingSegmentsSchema.parse(await (await rig.ask(camera, path)).json());
  const { id } = segments.find(({ audio }) => audio)!;
  const response = await rig.ask(camera, recordingPaths.segment(camera, id) + query);
  const file = join(rig.directory, `${camera}-${id}${query.slice(1)}-segment.mp4`);
  writeFileSync(file, Buffer.from(await response.arrayBuffer()));
  return file;
}

test("a real RTSP server's sound is recorded with the pictures of its time, with B-frames and by TCP and UDP", async () => {
  const file = join(rig.directory, "flash.mp4");
  await writeFlashAndBeep(file, { seconds: 30, bFrames: 2, channels: 2 });
  const served = await rig.ingest.cameras(1, { clip: file, sound: true });
  const isRecordedBy = async (transport: "tcp" | "udp") => {
    await rig.register(transport, { uri: served.url("camera-1"), transport });
    // The server tells its clocks after some seconds.
    const { toMs } = await rig.spanOf(transport, true, 16_000);
    const clip = await rig.video(transport, { fromMs: toMs - 8_000, toMs });
    expect(await probedSound(clip)).toMatchObject({ codec: "aac", sampleRate: 48_000, channels: 2 });
    await expectInTime(clip, 5, apart);
    const silent = await rig.video(transport, { fromMs: toMs - 8_000, toMs }, "&audio=0");
    expect(await probedSound(silent)).toBeUndefined();
    expect(await probedSound(await segmentFile(transport, ""))).toMatchObject({ codec: "aac" });
    expect(await probedSound(await segmentFile(transport, "?audio=0"))).toBeUndefined();
    const { ledger, recording } = await rig.ingest.statusThat(
      transport,
      ({ ledger }) => (ledger?.captured ?? 0) > 300,
    );
    expect(balances(ledger!)).toBe(true);
    expect(recording).toMatchObject({ active: true, message: "", soundMessage: "" });
  };
  await Promise.all([isRecordedBy("tcp"), isRecordedBy("udp")]);
}, 180_000);

test.each<[string, string, Partial<ScriptedSound>]>([
  ["several frames in a packet", "several", { framesPerPacket: 4 }],
  ["frames in several packets", "parted", { packetBytes: 60 }],
])(
  "%s are put together; what is lost on the way is silence",
  async (_, id, sound) => {
    let count = 0;
    const lossy = { ...sound, packets: (packets: Buffer[]) => packets.filter(() => ++count % 40 !== 0) };
    const camera = await rig.camera(lossy);
    await rig.register(id, { uri: camera.url() });
    const { toMs } = await rig.spanOf(id, true, 9_000);
    const file = await rig.video(id, { fromMs: toMs - 7_000, toMs });
    await expectInTime(file, 3);
    const { packets } = (await probedSound(file))!;
    for (const [i, { pts }] of packets.entries())
      if (i > 0) expect(pts).toBeCloseTo(packets[i - 1]!.pts + 1024 / 16_000, 2);
  },
  120_000,
);

test("sound that begins late and stops again leaves the video whole, and is told", async () => {
  const camera = await rig.camera({ from: 6, to: 16 });
  await rig.register("late", { uri: camera.url() });
  await rig.soundOf("late", "^$");
  const { fromMs } =
    (await rig.find("late").then(({ spans }) => spans[0])) ?? (await rig.spanOf("late", true, 1));
  await rig.soundOf("late", "no sound arrives");
  await rig.soundOf("late", "^$");
  await rig.soundOf("late", "no sound arrives");
  const file = await rig.video("late", { fromMs, toMs: fromMs + 22_000 });
  const { flashes, beeps } = await flashesAndBeeps(file);
  expect(flashes.length).toBeGreaterThanOrEqual(18);
  expect(beeps.length).toBeGreaterThanOrEqual(6);
  await expectInTime(file, 6);
}, 120_000);
