import { fromTimestamp } from "@sightline/contracts";
import {
  type ClipOptions,
  readClip,
  ScriptedCamera,
  type ScriptedCameraOptions,
  type ScriptedTrack,
} from "@sightline/rtsp/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IngestRig } from "./testing/ingest-rig.ts";

let rig: IngestRig;
let address: string;

beforeAll(async () => {
  rig = await IngestRig.start();
  ({ address } = await rig.ingest());
});

afterAll(() => rig?.stop());

/** Frames a second: so few that a stamp that belongs to another frame is told from one that a busy machine made late. */
const rate = 1;
const x264 = ["-c:v", "libx264", "-preset", "veryfast", "-g", "20"];
const x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"];

/** A camera that remembers when it sent each picture, by the picture's time in microseconds since the first. */
async function slowCamera(
  clip: ClipOptions,
  packets: ScriptedTrack["packets"],
  options: ScriptedCameraOptions,
) {
  const sent = new Map<number, number>();
  let first: number | undefined;
  const track: ScriptedTrack = {
    clip: await readClip({ seconds: 3, ...clip }),
    speed: rate / 10,
    picture: (picture) => {
      first ??= picture.timestamp;
      sent.set(Math.round((picture.timestamp - first) / 0.09), Date.now());
      return picture;
    },
    ...(packets && { packets }),
  };
  return { sent, camera: await ScriptedCamera.start({ ...options, tracks: [track] }) };
}

function mark(packets: Buffer[], on: (packet: Buffer) => boolean): Buffer[] {
  for (const packet of packets) packet[1] = on(packet) ? packet[1]! | 0x80 : packet[1]! & 0x7f;
  return packets;
}
const unmarked = (packets: Buffer[]) => mark(packets, () => false);
const everySlice = (packets: Buffer[]) =>
  mark(packets, (packet) => (packet[12]! & 0x1f) !== 28 || (packet[13]! & 0x40) !== 0);
const swapped = (packets: Buffer[]) => packets.map((_, i) => packets[i ^ 1] ?? packets[i]!);
/** A description of units out of their order, which ffmpeg takes apart itself. */
const outOfOrder = (sdp: string) => sdp.replace("packetization-mode=1", "packetization-mode=2");

test("a frame's capture time is the arrival of its own last packet, not that of the next frame", async () => {
  const cameras = await Promise.all(
    (
      [
        ["plain", {}],
        ["b-frames", { encode: [...x264, "-bf", "2"] }],
        ["unmarked", {}, unmarked],
        ["slices", { encode: [...x264, "-bf", "0", "-slices", "4"] }, everySlice],
        ["h265", { codec: "H265", encode: x265 }],
        ["udp", {}, swapped, { transports: ["udp"] }],
        ["by-report", {}, undefined, { describe: outOfOrder }],
      ] as [string, ClipOptions, ScriptedTrack["packets"], ScriptedCameraOptions | undefined][]
    ).map(async ([id, clip, packets, options = {}]) => ({
      id,
      ...(await slowCamera(clip, packets, options)),
    })),
  );
  for (const { id, camera } of cameras) await rig.register(id, { uri: camera.url(), transport: "auto" });
  for (const { id } of cameras) await rig.framesOf(id, 8);
  const metrics = await (await fetch(`http://${address}/metrics`)).text();
  const late = (id: string, reason: string) =>
    Number(new RegExp(`stamped_late_total\\{camera="${id}",reason="${reason}"\\} (\\d+)`).exec(metrics)?.[1]);
  for (const { id, sent } of cameras) {
    const frames = rig.worker.of(id).map(({ frame }) => frame);
    // How long after it was sent each frame was captured, in frames.
    const delays = frames.map(
      ({ ptsUs, captureTime }) => ((fromTimestamp(captureTime!) - sent.get(ptsUs)!) / 1000) * rate,
    );
    expect(late(id, "no_packet")).toBe(0);
    if (id === "by-report") expect(late(id, "codec")).toBeGreaterThan(0);
    else {
      expect(late(id, "codec")).toBe(0);
      // A busy machine may be late with one.
      const wrong = delays.filter((delay) => Math.abs(delay) >= 0.5);
      expect(wrong.length, `${id}: ${delays}`).toBeLessThan(2);
    }
  }
  await rig.remove(...cameras.map(({ id }) => id));
  await Promise.all(cameras.map(({ camera }) => camera.stop()));
});

test("a picture is analysed before the next one begins", async () => {
  const clip = await readClip({ seconds: 2, encode: ["-c:v", "libx264", "-g", "1"] });
  let count = 0;
  const picture: ScriptedTrack["picture"] = (sent) => {
    // By number: on a busy machine the second, which comes by itself to show that the camera's markers end a picture, may take the first's place.
    const newest = rig.worker.of("waits").at(-1)?.frame.number ?? 0;
    if (count >= 2 && newest < count) return undefined;
    count += 1;
    return sent;
  };
  const camera = await ScriptedCamera.start({ tracks: [{ clip, picture }] });
  await rig.register("waits", { uri: camera.url() });
  await rig.framesOf("waits", 6);
  await rig.remove("waits");
  await camera.stop();
});
