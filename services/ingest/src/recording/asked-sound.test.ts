import { CameraState } from "@sightline/contracts";
import { numberedVideo } from "@sightline/recording/testing";
import { ScriptedCamera, type ScriptedCameraOptions } from "@sightline/rtsp/testing";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { balances } from "../testing/ingest-rig.ts";
import { expectInTime, SoundRig } from "./testing/sound-rig.ts";

// All of them wait for cameras most of the time, and none needs the processor for itself: they run at the same time.
let rig: SoundRig;

beforeAll(async () => {
  rig = await SoundRig.start();
});

afterAll(() => rig?.stop());

test.concurrent("packets that are no sound at all harm nothing", async () => {
  const camera = await rig.camera({
    packets: (packets) =>
      packets.flatMap((packet, i) => [packet, Buffer.alloc(3 + ((i * 37) % 90), 0x80 + i)]),
  });
  await rig.register("garbage", { uri: camera.url() });
  await rig.spanOf("garbage", true, 6_000);
  expect(await rig.ingest.statusThat("garbage", ({ state }) => state === CameraState.LIVE)).toMatchObject({
    reconnects: 0,
  });
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

test.concurrent.each(refusals)("sound that is %s costs the video nothing", async (how, answer, message) => {
  const id = how.replace(/\W+/g, "-");
  const camera = await rig.camera({}, { answer });
  await rig.register(id, { uri: camera.url() });
  const { recording } = await rig.soundOf(id, message);
  expect(recording?.soundMessage).toMatch(/only video is recorded$/);
  await rig.spanOf(id, false, 4_000);
  expect(await rig.ingest.status(id)).toMatchObject({ state: CameraState.LIVE, failedAttempts: 0 });
});

test.concurrent("a camera that gives no video when it is asked for its sound too is received without it", async () => {
  let asked = false;
  const camera = await rig.camera(
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
  await rig.register("without", { uri: camera.url() });
  await rig.soundOf("without", "gave no video when it was also asked for sound");
  await rig.spanOf("without", false, 4_000);
});

test.concurrent("sound that cannot be recorded is told with what to do", async () => {
  const describe = (sdp: string) =>
    sdp.replace(/m=audio[\s\S]*?a=control/, "m=audio 0 RTP/AVP 0\r\na=control");
  const camera = await rig.camera({}, { describe });
  await rig.register("pcmu", { uri: camera.url() });
  await rig.soundOf("pcmu", "sound with the codec PCMU is not recorded; set the camera's sound to AAC");
  const mute = await rig.camera({}, { describe: (sdp) => sdp.replace(/m=audio[\s\S]*/, "") });
  await rig.register("mute", { uri: mute.url() });
  await rig.soundOf("mute", "the camera's stream has no sound");
});

test.concurrent("sound is asked for when the setting says it, and of the stream that is recorded; never of a masked camera", async ({
  onTestFinished,
}) => {
  const camera = await rig.camera();
  const asksForSound = () => camera.requests.filter(isSoundSetup).length;
  await rig.register("setting", { uri: camera.url() }, false);
  await rig.spanOf("setting", false, 3_000);
  expect(asksForSound()).toBe(0);
  await rig.register("setting", { uri: camera.url() });
  await rig.spanOf("setting", true, 3_000);
  expect(asksForSound()).toBe(1);
  await rig.register("setting", { uri: camera.url() }, false);
  await vi.waitUntil(async () => (await rig.find("setting")).spans.at(-1)?.audio === false, {
    timeout: 60_000,
  });
  const { ledger, reconnects } = await rig.ingest.statusThat("setting", ({ reconnects }) => reconnects === 2);
  expect([balances(ledger!), reconnects]).toEqual([true, 2]);

  const masks = [
    [
      [0, 0],
      [0.5, 0],
      [0.5, 0.5],
    ],
  ] as [number, number][][];
  await rig.register("setting", { uri: camera.url(), privacy: { masks } });
  await rig.soundOf("setting", "masked video is re-encoded without sound");
  expect(asksForSound()).toBe(1);

  const small = await ScriptedCamera.start({
    tracks: [{ clip: await numberedVideo({ rate: 10, seconds: 20 }) }],
  });
  onTestFinished(() => small.stop());
  await rig.ingest.recordFrom("two", camera.url());
  await rig.register("two", { uri: small.url() });
  const { toMs } = await rig.spanOf("two", true, 8_000);
  expect(asksForSound()).toBe(2);
  await expectInTime(await rig.video("two", { fromMs: toMs - 6_000, toMs }), 3);
}, 120_000);
