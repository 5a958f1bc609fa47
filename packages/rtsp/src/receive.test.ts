import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CameraReason } from "@sightline/contracts";
import { usualFfmpegMemoryMib } from "@sightline/media";
import { expect, test } from "vitest";
import { parseRtspUrl } from "./address/camera-url.ts";
import { describeReason, withoutParameters } from "./camera-fault.ts";
import { findFfmpeg } from "./ffmpeg-program.ts";
import { receive } from "./receive.ts";
import { type PlayedPicture, readClip, ScriptedCamera, type ScriptedTrack } from "./testing/index.ts";
import { clipNalUnits, isParameterSet } from "./testing/video-clip.ts";

const bFrames = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "20"];

test.each([
  ["plain video", [], {}],
  [
    "a first timestamp of 0",
    [],
    { picture: (sent) => ({ ...sent, timestamp: sent.timestamp - sent.origin }) },
  ],
  ["B-frames", bFrames, {}],
  ["a gap", [], { picture: (sent) => (sent.index === 3 || sent.index === 4 ? undefined : sent) }],
] as [string, string[], Partial<ScriptedTrack>][])(
  "tells 10 fps of a 10 fps camera: %s",
  async (_, encode, how) => {
    const clip = await readClip({ seconds: 3, ...(encode.length > 0 && { encode }) });
    const camera = await ScriptedCamera.start({ tracks: [{ clip, ...how }] });
    const ffmpeg = {
      path: await findFfmpeg(process.env.FFMPEG_PATH),
      memoryMib: usualFfmpegMemoryMib,
    };
    const reception = await receive(parseRtspUrl(camera.url()), {
      ffmpeg,
      transport: "tcp",
      timeoutMs: 60_000,
    });
    await camera.stop();
    expect(reception.ok && reception.framesPerSecond).toBeCloseTo(10, 2);
  },
);

test("an ffmpeg that does not keep up with what comes is told as such, not as the camera's silence", async () => {
  const directory = mkdtempSync(join(tmpdir(), "sightline-slow-"));
  const path = join(directory, "ffmpeg");
  const ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  // Stopped before it takes anything, as one is on a machine that does not get to it.
  writeFileSync(path, `#!/bin/sh\nkill -STOP $$\nexec "${ffmpeg}" "$@"\n`, { mode: 0o755 });
  const clip = await readClip({ seconds: 10 });
  const camera = await ScriptedCamera.start({ tracks: [{ clip, speed: 20 }] });
  const reception = await receive(parseRtspUrl(camera.url()), {
    ffmpeg: { path, memoryMib: usualFfmpegMemoryMib },
    transport: "tcp",
    timeoutMs: 6_000,
  });
  await camera.stop();
  rmSync(directory, { recursive: true });
  expect(reception).toMatchObject({ ok: false, ...describeReason(CameraReason.DECODING_TOO_SLOW) });
});

test.each([
  ["memory that is not enough", { memoryMib: 1 }, CameraReason.INTERNAL],
  ["no program", { path: "/no/such/ffmpeg" }, CameraReason.INTERNAL],
])("an ffmpeg with %s is told as ours, not as the camera's fault", async (_, change, reason) => {
  const camera = await ScriptedCamera.start({ tracks: [{ clip: await readClip({ seconds: 1 }) }] });
  const ffmpeg = { path: await findFfmpeg(process.env.FFMPEG_PATH), memoryMib: 2048, ...change };
  const reception = await receive(parseRtspUrl(camera.url()), { ffmpeg, transport: "tcp" });
  await camera.stop();
  expect(reception).toMatchObject({ ok: false, reason });
});

test.each([
  [
    "no key frame",
    CameraReason.NO_KEY_FRAME,
    (sent: PlayedPicture) => (sent.key ? undefined : sent.index < 30 ? sent : "end"),
  ],
  ["an end before the first picture", CameraReason.STREAM_ENDED, () => "end" as const],
])("names what is wrong with %s", async (_, reason, picture) => {
  const camera = await ScriptedCamera.start({
    tracks: [{ clip: await readClip({ seconds: 2 }), speed: 4, picture }],
  });
  const ffmpeg = { path: await findFfmpeg(process.env.FFMPEG_PATH), memoryMib: usualFfmpegMemoryMib };
  const reception = await receive(parseRtspUrl(camera.url()), {
    ffmpeg,
    transport: "tcp",
    timeoutMs: 60_000,
  });
  await camera.stop();
  expect(reception).toMatchObject({ ok: false, reason });
});

test.each([
  ["no parameter sets", true, withoutParameters.message],
  ["pictures of garbage", false, "what the camera sends cannot be decoded; check its encoder"],
])(
  "a camera that sends %s is told what is wrong, and not to use what it uses",
  async (_, without, message) => {
    const clip = await readClip({ seconds: 2 });
    const startCode = Buffer.from([0, 0, 0, 1]);
    const spoilt = (data: Buffer) =>
      Buffer.concat(
        clipNalUnits(data)
          .filter((nal) => !without || !isParameterSet(clip.codec, nal))
          .flatMap((nal) => [
            startCode,
            without || isParameterSet(clip.codec, nal) ? nal : Buffer.from(nal).fill(0x55, 1),
          ]),
      );
    const camera = await ScriptedCamera.start({
      tracks: [
        {
          clip,
          speed: 4,
          picture: ({ index, data, timestamp }) => (index < 60 ? { data: spoilt(data), timestamp } : "end"),
        },
      ],
      describe: (sdp) => (without ? sdp.replace(/;sprop-parameter-sets=[^\r]*/, "") : sdp),
    });
    const ffmpeg = { path: await findFfmpeg(process.env.FFMPEG_PATH), memoryMib: usualFfmpegMemoryMib };
    const reception = await receive(parseRtspUrl(camera.url()), {
      ffmpeg,
      transport: "tcp",
      timeoutMs: 60_000,
    });
    await camera.stop();
    expect(reception).toMatchObject({ ok: false, reason: CameraReason.DECODE_FAILURE, message });
  },
);
