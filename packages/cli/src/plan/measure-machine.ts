import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { connect, type SightlineClient } from "@sightline/client";
import { type Camera, CameraState } from "@sightline/contracts";
import { runFfmpeg } from "@sightline/media";
import { findFfmpeg } from "@sightline/rtsp";
import { freePorts, projectRoot, Stack, standardPorts, withoutTls } from "@sightline/stack";
import { CliError } from "../errors.ts";
import { type MachineCosts, type MachineObservation, machineCosts, type Wish } from "./prediction.ts";
import { coresBetween, processorTime } from "./processor-time.ts";

export interface MeasureOptions {
  /** For state and logs; the caller removes it. */
  directory: string;
  /** A model in the model directory; undefined means the default one. */
  model?: string | undefined;
  /** A video that cameras play, or addresses of real cameras. */
  source: { clip: string } | { uris: readonly string[] };
  /** Cameras to run after the measurement, to see how they do. */
  check?: Pick<Wish, "cameras" | "fps"> | undefined;
  signal: AbortSignal;
  say: (text: string) => void;
}

/** The measurement and its conditions. */
export interface Measured {
  costs: MachineCosts;
  observations: MachineObservation[];
  checked?: MachineObservation | undefined;
  /** Properties of the cameras: size of the picture, and codec. */
  width: number;
  height: number;
  codec: string;
  model: string;
}

/** Cameras of the first observation, at one frame per second: their cost when nothing is short. */
const firstCameras = 2;
const firstFps = 1;
/**
 * The other observations have as many cameras as seem to need this many times the machine's capacity: at one frame per second, and at their
 * own rate.
 */
const overload = 2.5;
export const mostCameras = 64;
const livePatienceMs = 60_000;
const settleMs = 2_500;
const windowMs = 6_000;
/** Longer, since a single number is compared. */
const checkMs = 10_000;

/**
 * Runs the services on this machine for about half a minute, with a few cameras and then with as many as it can take, and measures the
 * processor time of each part. @throws when the services do not start, no camera becomes live, or there is no /proc
 */
export async function measureMachine(options: MeasureOptions): Promise<Measured> {
  const { directory, model, source, check, signal, say } = options;
  const ports = await freePorts(standardPorts);
  const files = "clip" in source ? { SIGHTLINE_SOURCE_FILES: dirname(source.clip) } : {};
  const stack = await Stack.start(
    {
      directory,
      ports,
      // A single process, whose processor time is measured.
      env: {
        ...withoutTls,
        SIGHTLINE_ANALYSIS: "here",
        ...files,
        ...(model === undefined ? {} : { SIGHTLINE_MODEL: model }),
      },
    },
    signal,
  );
  const client = connect(`127.0.0.1:${ports.grpc}`);
  try {
    const machine = new MeasuredMachine(stack, client, `127.0.0.1:${ports.ingest}`, source, signal);
    const cores = availableParallelism();
    const most = "clip" in source ? mostCameras : source.uris.length;
    say(`with ${Math.min(firstCameras, most)} cameras at ${firstFps} frame/s …`);
    const first = await machine.observe(Math.min(firstCameras, most), firstFps);
    const light = machineCosts(cores, [first]);
    const camera =
      light.perCamera +
      light.cameraFps * (light.perFrame.inference + light.perFrame.transport + light.perFrame.ingest);
    const many = Math.min(most, Math.max(firstCameras, Math.ceil((overload * cores) / camera)));
    const observations = [first];
    if (many > first.cameras) {
      say(`with ${many} cameras at ${firstFps} frame/s …`);
      observations.push(await machine.observe(many, firstFps));
    }
    say(`with ${many} cameras at their own rate …`);
    observations.push(await machine.observe(many, 0));
    if (check) say(`with ${check.cameras} cameras at ${check.fps || "their own"} frames/s …`);
    const checked = check && (await machine.observe(check.cameras, check.fps, checkMs));
    return { costs: machineCosts(cores, observations), observations, checked, ...(await machine.facts()) };
  } finally {
    client.close();
    await stack.stop();
  }
}

class MeasuredMachine {
  readonly #stack: Stack;
  readonly #client: SightlineClient;
  readonly #ingest: string;
  readonly #source: MeasureOptions["source"];
  readonly #signal: AbortSignal;
  #count = 0;

  constructor(
    stack: Stack,
    client: SightlineClient,
    ingest: string,
    source: MeasureOptions["source"],
    signal: AbortSignal,
  ) {
    this.#stack = stack;
    this.#client = client;
    this.#ingest = ingest;
    this.#source = source;
    this.#signal = signal;
  }

  /** Runs this many cameras at a rate, waits until all are live, and measures for a while. */
  async observe(cameras: number, targetFps: number, milliseconds = windowMs): Promise<MachineObservation> {
    while (this.#count > cameras) await this.#client.cameras.delete(nameOf(--this.#count));
    for (let index = 0; index < this.#count; index++)
      await this.#client.cameras.update(nameOf(index), { targetFps });
    for (; this.#count < cameras; this.#count++)
      await this.#client.cameras.register(nameOf(this.#count), { uri: this.#uri(this.#count), targetFps });
    await this.#live();
    await delay(settleMs, undefined, { signal: this.#signal });
    const [from, before] = [await this.#processors(), await this.#frames()];
    await delay(milliseconds, undefined, { signal: this.#signal });
    const [to, after] = [await this.#processors(), await this.#frames()];
    const { of, machine } = coresBetween(from, to);
    const seconds = to.at - from.at;
    return {
      cameras,
      capturedFps: (after.captured - before.captured) / seconds,
      inferredFps: (after.inferred - before.inferred) / seconds,
      ingest: of.ingest,
      inference: of.inference,
      transport: of["nats-server"] + of.results,
      machine,
    };
  }

  async facts(): Promise<Pick<Measured, "width" | "height" | "codec" | "model">> {
    const { status, model } = await this.#client.cameras.get(nameOf(0));
    return {
      width: status?.sourceWidth ?? 0,
      height: status?.sourceHeight ?? 0,
      codec: status?.codec ?? "",
      model,
    };
  }

  #uri(index: number): string {
    return "clip" in this.#source ? pathToFileURL(this.#source.clip).href : this.#source.uris[index]!;
  }

  #processors() {
    const pid = (name: string) => this.#stack.process(name).child.pid!;
    return processorTime({
      "nats-server": pid("nats-server"),
      ingest: pid("ingest"),
      inference: pid("inference"),
      results: pid("results"),
    });
  }

  async #frames(): Promise<{ captured: number; inferred: number }> {
    const answer = await fetch(`http://${this.#ingest}/metrics`, { signal: this.#signal });
    const text = await answer.text();
    return {
      captured: sumOf(text, "sightline_frames_captured_total"),
      inferred: sumOf(text, "sightline_frames_inferred_total"),
    };
  }

  /** @throws when a camera is not analysed after a minute */
  async #live(): Promise<void> {
    const deadline = performance.now() + livePatienceMs;
    for (;;) {
      const cameras = await Array.fromAsync(this.#client.cameras.list({ signal: this.#signal }));
      const waiting = cameras.filter((camera) => !isAnalysed(camera));
      if (cameras.length >= this.#count && waiting.length === 0) return;
      // If the machine is too slow for this many, the live ones are measured.
      if (performance.now() > deadline) {
        if (waiting.length < cameras.length) return;
        throw new CliError(
          "failed",
          `no camera is analysed after a minute: ${waiting[0]?.status?.message || "no word of them"}`,
        );
      }
      await delay(250, undefined, { signal: this.#signal });
    }
  }
}

function nameOf(index: number): string {
  return `plan-${index + 1}`;
}

function isAnalysed({ status }: Camera): boolean {
  return status?.state === CameraState.LIVE && status.inferenceFps > 0;
}

/** Sum of a counter's samples in Prometheus's text format. */
function sumOf(text: string, name: string): number {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

const bundled = join(projectRoot, "test/fixtures/pedestrians.mp4");
/** Long enough that looping costs nothing extra, short enough to be made quickly. */
const seconds = 10;

/** A picture's size in pixels. */
export interface SourceSize {
  width: number;
  height: number;
}

/**
 * The bundled clip as cameras with another size or rate would send it, as H.264 with a key picture every two seconds, in `directory`; the clip itself
 * when no other size or rate is requested. @throws when ffmpeg cannot make it
 */
export async function planClip(
  directory: string,
  { size, fps }: { size?: SourceSize | undefined; fps?: number | undefined },
): Promise<string> {
  if (!size && fps === undefined) return bundled;
  const filters = [
    ...(size ? [`scale=${size.width}:${size.height}`, "setsar=1"] : []),
    ...(fps === undefined ? [] : [`fps=${fps}`]),
  ];
  const path = join(directory, "plan.mp4");
  await runFfmpeg(await findFfmpeg(process.env.SIGHTLINE_FFMPEG), [
    ...["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-i", bundled, "-t", String(seconds)],
    ...["-vf", filters.join(","), "-an", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"],
    ...["-force_key_frames", "expr:gte(t,n_forced*2)", path],
  ]);
  return path;
}
