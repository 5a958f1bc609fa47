import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CameraStatus,
  decodeJson,
  encodeJson,
  type RecordedSpan,
  type RecordingsAnswer,
  recordingPaths,
  recordingsAnswerSchema,
  subjects,
} from "@sightline/contracts";
import { delays, flashAndBeep, flashesAndBeeps, probed } from "@sightline/recording/testing";
import { ScriptedCamera, type ScriptedCameraOptions, type ScriptedSound } from "@sightline/rtsp/testing";
import { expect, vi } from "vitest";
import { IngestRig } from "../../testing/ingest-rig.ts";

/** How far apart a flash and its tone may be, in seconds: by the camera's own clocks, and by arrival alone. */
export const [apart, apartByArrival] = [0.05, 0.12];

/** An ingest that records cameras with sound. Its waits are long enough for tests that run at the same time. */
export class SoundRig {
  readonly ingest: IngestRig;
  readonly directory = mkdtempSync(join(tmpdir(), "sightline-recorded-sound-"));
  readonly #clip: Awaited<ReturnType<typeof flashAndBeep>>;
  readonly #registered = new Set<string>();
  readonly #cameras: ScriptedCamera[] = [];

  private constructor(ingest: IngestRig, clip: Awaited<ReturnType<typeof flashAndBeep>>) {
    this.ingest = ingest;
    this.#clip = clip;
  }

  static async start(): Promise<SoundRig> {
    const ingest = await IngestRig.start();
    const clip = await flashAndBeep({ seconds: 120, rate: 10, keyEvery: 10, sampleRate: 16_000 });
    const rig = new SoundRig(ingest, clip);
    const disk = join(rig.directory, "disk");
    mkdirSync(disk);
    await ingest.ingest("ingest-1", {
      SIGHTLINE_RECORDINGS_DIRECTORY: disk,
      SIGHTLINE_RECORDING: "continuous",
    });
    return rig;
  }

  /** A camera that flashes and beeps. */
  async camera(
    sound: Partial<ScriptedSound> = {},
    options: ScriptedCameraOptions = {},
  ): Promise<ScriptedCamera> {
    const camera = await ScriptedCamera.start({
      ...{ tracks: [{ clip: this.#clip.video }], sound: { clip: this.#clip.sound, ...sound } },
      ...options,
    });
    this.#cameras.push(camera);
    return camera;
  }

  async register(id: string, record: Parameters<IngestRig["register"]>[1], audio = true): Promise<void> {
    this.#registered.add(id);
    await this.ingest.register(id, { ...record, ...(audio && { recording: { audio } }) });
  }

  /** Removes all cameras created so far. */
  async clear(): Promise<void> {
    const ids = [...this.#registered];
    this.#registered.clear();
    await this.ingest.remove(...ids);
    for (const id of ids) await this.ingest.recordFrom(id, undefined);
    await Promise.all(this.#cameras.splice(0).map((camera) => camera.stop()));
  }

  async stop(): Promise<void> {
    await this.ingest.stop();
    await Promise.all(this.#cameras.splice(0).map((camera) => camera.stop()));
    rmSync(this.directory, { recursive: true, force: true });
  }

  async find(camera: string): Promise<RecordingsAnswer> {
    const request = encodeJson({ fromMs: 0, toMs: Date.now() + 60_000 });
    const reply = await this.ingest.nats.connection.request(subjects.recordingsFind(camera), request, {
      timeout: 10_000,
    });
    return decodeJson(recordingsAnswerSchema, reply.data);
  }

  /** Waits until this much is recorded, with sound or without, and returns the last part of it. */
  async spanOf(camera: string, audio: boolean, ms: number): Promise<RecordedSpan> {
    const wanted = async () =>
      (await this.find(camera)).spans.findLast(
        (each) => each.audio === audio && each.toMs - each.fromMs > ms,
      );
    return vi.waitUntil(wanted, { timeout: 60_000, interval: 50 });
  }

  /** Waits until the status says this about a camera's sound. */
  async soundOf(id: string, message: string | RegExp): Promise<CameraStatus> {
    return this.ingest.statusThat(id, ({ recording }) => recording?.soundMessage.match(message) != null);
  }

  /** The ingest's answer at a path. */
  async ask(camera: string, path: string): Promise<Response> {
    const { url, token } = await this.find(camera);
    const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    return response;
  }

  async video(
    camera: string,
    { fromMs, toMs }: { fromMs: number; toMs: number },
    query = "",
  ): Promise<string> {
    const path = `${recordingPaths.video(camera)}?from_ms=${fromMs}&to_ms=${toMs}${query}`;
    const response = await this.ask(camera, path);
    const file = join(this.directory, `${camera}-${fromMs}${query}.mp4`);
    writeFileSync(file, Buffer.from(await response.arrayBuffer()));
    return file;
  }
}

/** Expects at least this many flashes in the file, each with its tone at the right time. */
export async function expectInTime(file: string, least: number, most = apartByArrival): Promise<void> {
  expect((await probed(file)).complaints).toBe("");
  const found = delays(await flashesAndBeeps(file));
  expect(found.length).toBeGreaterThanOrEqual(least);
  for (const delay of found) expect(Math.abs(delay), `${found}`).toBeLessThan(most);
}
