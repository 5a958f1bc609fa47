import { readdirSync, readFileSync } from "node:fs";
import {
  CameraReason,
  decodeJson,
  encodeJson,
  type ProbeRequest,
  probeAnswerSchema,
  probeHeader,
  subjects,
} from "@sightline/contracts";
import { freePort } from "@sightline/service/testing";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IngestRig } from "../testing/ingest-rig.ts";

let rig: IngestRig;
let address: string;

beforeAll(async () => {
  rig = await IngestRig.start();
  ({ address } = await rig.ingest());
});

afterAll(() => rig?.stop());

async function ask(request: unknown) {
  const reply = await rig.nats.connection.request(subjects.cameraProbe, encodeJson(request), {
    timeout: 30_000,
  });
  const header = reply.headers?.get(probeHeader) ?? "";
  return { answer: decodeJson(probeAnswerSchema, Buffer.from(header)), jpeg: reply.data };
}

const tcp = (uri: string, picture = false): ProbeRequest => ({ uri, transport: "tcp", picture });

test("a camera is described, and with a picture when one is asked for", async () => {
  const cameras = await rig.cameras(1);
  const url = cameras.url("camera-1");
  const plain = await ask(tcp(url));
  expect(plain.answer).toMatchObject({ ok: true, codec: "h264", width: 768, height: 576 });
  expect(plain.jpeg.byteLength).toBe(0);
  const { answer, jpeg } = await ask(tcp(url, true));
  expect(answer).toEqual({ ok: true, codec: "h264", width: 768, height: 576, fps: 10, videoTracks: 1 });
  expect(await sharp(jpeg).metadata()).toMatchObject({ format: "jpeg", width: 768, height: 576 });
  const { channels } = await sharp(jpeg).stats();
  for (const { stdev } of channels) expect(stdev).toBeGreaterThan(20);
});

test("a user and password are used, and are seen nowhere", async () => {
  const cameras = await rig.cameras(1, { user: "viewer", password: "s3cret'pass" });
  const uri = cameras.url("camera-1");
  expect((await ask(tcp(uri, true))).answer).toMatchObject({
    ok: false,
    reason: CameraReason.UNAUTHORIZED,
  });
  const asked = ask({ ...tcp(uri, true), username: "viewer", password: "s3cret'pass" });
  const seen: string[] = [];
  let done = false;
  void asked.finally(() => {
    done = true;
  });
  while (!done) {
    seen.push(...ffmpegArguments());
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { answer, jpeg } = await asked;
  expect(answer.ok).toBe(true);
  expect(jpeg.byteLength).toBeGreaterThan(1_000);
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.some((each) => each.includes("s3cret"))).toBe(false);
  expect(JSON.stringify(answer)).not.toContain("s3cret");
});

/** Command lines of ffmpeg processes of this user that decode a picture for a probe. */
function ffmpegArguments(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((id) => {
      try {
        const line = readFileSync(`/proc/${id}/cmdline`, "utf8");
        return line.includes("mjpeg") ? [line] : [];
      } catch {
        return [];
      }
    });
}

test("a camera that cannot be had says why", async () => {
  const closed = await freePort();
  expect((await ask(tcp(`rtsp://127.0.0.1:${closed}/x`, true))).answer).toMatchObject({
    ok: false,
    reason: CameraReason.CONNECTION_REFUSED,
  });
  const cameras = await rig.cameras(1);
  expect((await ask(tcp(cameras.url("nothing-here")))).answer).toMatchObject({
    ok: false,
    reason: CameraReason.NOT_FOUND,
  });
  const url = await ask(tcp("http://127.0.0.1/secret-token"));
  expect(url.answer).toMatchObject({ ok: false });
  expect(JSON.stringify(url.answer)).not.toContain("secret-token");
});

test("a camera whose pictures cannot be decoded is described, with why there is no picture", async () => {
  const cameras = await rig.cameras(1);
  await cameras.fault("garbage");
  const { answer, jpeg } = await ask(tcp(cameras.url("camera-1"), true));
  expect(answer).toMatchObject({ ok: true, codec: "h264", width: 768, height: 576 });
  expect(answer.ok && answer.pictureFault).toContain("decoded");
  expect(jpeg.byteLength).toBe(0);
});

test("what is no request is refused, and more at a time than fit are too", async () => {
  expect((await ask({ uri: 5 })).answer).toMatchObject({ ok: false });
  const cameras = await rig.cameras(1);
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => ask(tcp(cameras.url("camera-1"), true))),
  );
  const made = answers.filter(({ answer }) => answer.ok);
  const busy = answers.filter(({ answer }) => !answer.ok && answer.message.includes("at a time"));
  expect(made.length).toBeGreaterThanOrEqual(4);
  expect(busy.length).toBe(12 - made.length);
  expect(busy.length).toBeGreaterThan(0);
  const metrics = await (await fetch(`http://${address}/metrics`)).text();
  expect(metrics).toContain(`sightline_probes_total{outcome="busy"} ${busy.length}`);
});
