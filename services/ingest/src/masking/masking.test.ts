import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeJson,
  encodeJson,
  type LiveVideoHead,
  liveVideoPath,
  type PictureRequest,
  type PrivacySettings,
  pictureAnswerSchema,
  pictureHeader,
  type RecordingsAnswer,
  recordingPaths,
  recordingsAnswerSchema,
  subjects,
} from "@sightline/contracts";
import { numberedVideo, probed, shownNumbers } from "@sightline/recording/testing";
import { ScriptedCamera } from "@sightline/rtsp/testing";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { IngestRig } from "../testing/ingest-rig.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-masking-"));
const disk = join(directory, "disk");
mkdirSync(disk);
const startedAt = Date.now();
let rig: IngestRig;

beforeAll(async () => {
  rig = await IngestRig.start();
  await rig.ingest("ingest-1", { SIGHTLINE_RECORDINGS_DIRECTORY: disk });
});

afterAll(async () => {
  await rig?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Black and white stripes, and a part that nobody may see, in magenta: in the stored picture from 0.6, 0.1 to 0.9, 0.4. */
const secret = "drawbox=x=iw*0.6:y=ih*0.1:w=iw*0.3:h=ih*0.3:c=magenta:t=fill";
/** Display orientation, a quarter turn against the clock (H.264, D.2.27): the part is then from 0.1, 0.1 to 0.4, 0.4. */
const quarterTurn = Buffer.from([0, 0, 0, 1, 6, 47, 3, 0x08, 0, 0x14, 0x80]);

/** Parallelogram and pentagon, a little more than the part. */
const slanted: PrivacySettings["masks"] = [
  [
    [0.56, 0.07],
    [0.93, 0.07],
    [0.97, 0.43],
    [0.57, 0.43],
  ],
];
const turned: PrivacySettings["masks"] = [
  [
    [0.07, 0.07],
    [0.43, 0.06],
    [0.44, 0.43],
    [0.25, 0.46],
    [0.06, 0.43],
  ],
];

/** Pixels with a colour, of R, G, B bytes. */
function coloured(rgb: Uint8Array): number {
  let count = 0;
  for (let i = 0; i + 2 < rgb.length; i += 3) {
    const [r, g, b] = [rgb[i]!, rgb[i + 1]!, rgb[i + 2]!];
    if (Math.max(r, g, b) - Math.min(r, g, b) > 60) count += 1;
  }
  return count;
}

function colouredInFrame(camera: string, index: number): number {
  const { frame, pixels } = rig.worker.of(camera).at(index)!;
  const plane = frame.width * frame.height;
  const rgb = new Uint8Array(3 * plane);
  for (let i = 0; i < plane; i++) rgb.set([pixels[2 * plane + i]!, pixels[i]!, pixels[plane + i]!], 3 * i);
  return coloured(rgb);
}

async function colouredInPicture(camera: string, request: PictureRequest): Promise<number | undefined> {
  const reply = await rig.nats.connection.request(subjects.pictureGet(camera), encodeJson(request), {
    timeout: 30_000,
  });
  const answer = decodeJson(pictureAnswerSchema, Buffer.from(reply.headers?.get(pictureHeader) ?? ""));
  const isWanted = answer.ok && (request.source !== "camera" || answer.width > 320);
  return isWanted ? coloured(await sharp(reply.data).removeAlpha().raw().toBuffer()) : undefined;
}

/** The most in any picture of a video file. */
function colouredInVideo(file: string): number {
  const pixels = execFileSync(
    process.env.FFMPEG_PATH ?? "ffmpeg",
    ["-v", "error", "-i", file, "-vf", "scale=160:90,format=rgb24", "-f", "rawvideo", "pipe:1"],
    { maxBuffer: 1e9 },
  );
  const bytes = 3 * 160 * 90;
  expect(pixels.length).toBeGreaterThan(0);
  let most = 0;
  for (let at = 0; at < pixels.length; at += bytes)
    most = Math.max(most, coloured(pixels.subarray(at, at + bytes)));
  return most;
}

async function holder(camera: string): Promise<RecordingsAnswer> {
  const request = encodeJson({ fromMs: startedAt, toMs: Date.now() + 60_000 });
  const reply = await rig.nats.connection.request(subjects.recordingsFind(camera), request, {
    timeout: 10_000,
  });
  return decodeJson(recordingsAnswerSchema, reply.data);
}

async function get(camera: string, path: string, signal?: AbortSignal): Promise<Response> {
  const { url, token } = await holder(camera);
  return fetch(url + path, { headers: { authorization: `Bearer ${token}` }, ...(signal && { signal }) });
}

/** The heads of live video's messages, and its movie, up to so many pictures. */
async function watch(camera: string, pictures: number): Promise<{ heads: LiveVideoHead[]; movie: Buffer }> {
  const aborted = new AbortController();
  const response = await get(camera, liveVideoPath(camera), aborted.signal);
  const heads: LiveVideoHead[] = [];
  const movie: Buffer[] = [];
  let count = 0;
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of response.body!) {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32LE(0)) {
        const message = rest.subarray(4, 4 + rest.readUInt32LE(0));
        rest = rest.subarray(4 + message.length);
        const end = 4 + message.readUInt32LE(0);
        const head: LiveVideoHead = JSON.parse(message.toString("utf8", 4, end));
        heads.push(head);
        movie.push(message.subarray(end));
        if (head.type === "pictures") count += head.times.length;
        if (head.type === "unplayable" || count >= pictures) return { heads, movie: Buffer.concat(movie) };
      }
    }
    throw new Error("the video ended");
  } finally {
    aborted.abort();
  }
}

function save(name: string, data: Buffer): string {
  const file = join(directory, name);
  writeFileSync(file, data);
  return file;
}

async function leaks(camera: string): Promise<Record<string, number>> {
  const { movie } = await watch(camera, 30);
  const seen = rig.worker.of(camera).length;
  await rig.framesOf(camera, seen + 10);
  const frames = Array.from({ length: 10 }, (_, i) => colouredInFrame(camera, -1 - i));
  const own = await vi.waitUntil(() => colouredInPicture(camera, { source: "camera" }).then(wrap), patience);
  const model = await vi.waitUntil(() => colouredInPicture(camera, {}).then(wrap), patience);
  const small = await vi.waitUntil(() => colouredInPicture(camera, { maxWidth: 100 }).then(wrap), patience);
  const live = colouredInVideo(save(`${camera}-live.mp4`, movie));
  return { frames: Math.max(...frames), own: own[0]!, model: model[0]!, small: small[0]!, live };
}

const patience = { timeout: 60_000, interval: 100 };
/** So that nothing is not taken for "not yet". */
const wrap = (count: number | undefined) => (count === undefined ? undefined : [count]);
const none = { frames: 0, own: 0, model: 0, small: 0, live: 0 };

const steady = { encode: ["-bf", "0"], filter: `${secret},setsar=4/3` };
test.each<[string, PrivacySettings["masks"], Parameters<typeof numberedVideo>[0]]>([
  ["H264", turned, steady],
  ["H265", slanted, { codec: "H265", filter: secret, encode: ["-bf", "2"] }],
  ["other-stream", turned, steady],
])(
  "%s: what a mask hides is in no frame, picture, live video or file, from the change on",
  async (name, masks, options) => {
    const clip = await numberedVideo({ seconds: 20, rate: 10, keyEvery: 10, size: [640, 360], ...options });
    const isTurned = masks === turned;
    const units = clip.units.map((unit, i) =>
      isTurned && i % 10 === 0 ? { ...unit, data: Buffer.concat([quarterTurn, unit.data]) } : unit,
    );
    const camera = await ScriptedCamera.start({ tracks: [{ clip: { ...clip, units } }] });
    const id = name.toLowerCase();
    const record = { uri: camera.url(), recording: { mode: "continuous" as const } };
    // Of a camera that has another stream to be recorded.
    const other = await ScriptedCamera.start({ tracks: [{ clip: { ...clip, units } }] });
    try {
      if (id === "other-stream") await rig.recordFrom(id, other.url());
      await rig.register(id, record);
      await rig.framesOf(id, 40);
      const open = await leaks(id);
      for (const count of Object.values(open)) expect(count).toBeGreaterThan(20);

      await rig.register(id, { ...record, privacy: { masks } });
      // The first frame of the new settings is black there, and no frame or picture after it shows anything.
      await vi.waitUntil(() => colouredInFrame(id, -1) === 0, patience);
      const maskedAt = Date.now();
      const seen = rig.worker.of(id).length;
      expect(await leaks(id)).toEqual(none);
      const later = rig.worker.of(id).length - seen;
      expect(Array.from({ length: later }, (_, i) => colouredInFrame(id, -1 - i))).toEqual(
        Array(later).fill(0),
      );

      await vi.waitUntil(async () => {
        const span = (await holder(id)).spans.at(-1);
        return span && span.fromMs > maskedAt - 10_000 && span.toMs > maskedAt + 5_000;
      }, patience);
      const { fromMs, toMs, codec, width, height } = (await holder(id)).spans.at(-1)!;
      expect({ codec, isUpright: height > width }).toEqual({ codec: "h264", isUpright: isTurned });
      // At the span's very beginning, its first picture may be less than a millisecond later.
      const range = `from_ms=${fromMs + 500}&to_ms=${toMs - 500}`;
      const video = await get(id, `${recordingPaths.video(id)}?${range}`);
      const file = save(`${id}.mp4`, Buffer.from(await video.arrayBuffer()));
      expect(colouredInVideo(file)).toBe(0);
      const probe = await probed(file);
      expect(probe.complaints).toBe("");
      // All pictures, each at its time.
      const gaps = probe.packets.slice(1).map(({ pts }, i) => Math.round((pts - probe.packets[i]!.pts) * 10));
      expect(new Set(gaps)).toEqual(new Set([1]));
      if (!isTurned) {
        const numbers = await shownNumbers(file);
        expect(numbers).toEqual(numbers.map((_, i) => (numbers[0]! + i) % clip.units.length));
      }
      for (const segment of readdirSync(join(disk, id)).filter(
        (each) => Number(each.split("-")[0]) >= fromMs,
      ))
        expect(colouredInVideo(join(disk, id, segment))).toBe(0);

      await rig.register(id, { ...record, privacy: { masks, video: "off" } });
      const { recording } = await rig.statusThat(id, (each) => each.recording?.message !== "");
      expect(recording).toMatchObject({ active: false, message: expect.stringContaining("privacy masks") });
      const { heads } = await watch(id, 1);
      expect(heads).toMatchObject([{ type: "unplayable", reason: expect.stringContaining("privacy masks") }]);
      await rig.framesOf(id, rig.worker.of(id).length + 3);
      expect(colouredInFrame(id, -1)).toBe(0);
    } finally {
      await rig.remove(id);
      await Promise.all([camera.stop(), other.stop()]);
    }
  },
  180_000,
);
