import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { connect, type SightlineClient } from "@sightline/client";
import { type Camera, CameraState, fromTimestamp } from "@sightline/contracts";
import { wallClockMs } from "@sightline/service/clock";
import { freePorts, projectRoot, standardPorts, withoutTls } from "@sightline/stack";

export interface UpRunOptions {
  /** Played by every camera, again and again at its own rate. */
  video: string;
  cameras: number;
  seconds: number;
  /** Further settings of the services. */
  env: NodeJS.ProcessEnv;
  /** An empty folder for the data and the log. */
  folder: string;
  signal: AbortSignal;
}

export interface UpRun {
  /** Frames of all cameras together. */
  captured: number;
  inferred: number;
  framesPerSecond: number;
  /** From capture to here, in milliseconds. */
  latencyMs: { p50: number; p95: number };
  /** What ran the frames, by their own word. */
  executionProviders: readonly string[];
}

/**
 * `sightline up` as a user starts it, with cameras that play a file, for some time.
 * @throws Error when it does not start, a camera is not live at the end or its account does not balance, or it does not end in good order
 */
export async function upRun(options: UpRunOptions): Promise<UpRun> {
  const { video, folder, signal } = options;
  const ports = await freePorts(standardPorts);
  const log = join(folder, "up.log");
  const up = spawn(join(projectRoot, "sightline"), ["up", "--data", join(folder, "data")], {
    env: {
      ...process.env,
      ...withoutTls,
      SIGHTLINE_NATS_URL: `nats://127.0.0.1:${ports.nats}`,
      SIGHTLINE_GRPC: `127.0.0.1:${ports.grpc}`,
      SIGHTLINE_RESULTS_HTTP: `127.0.0.1:${ports.results}`,
      SIGHTLINE_INGEST_HTTP: `127.0.0.1:${ports.ingest}`,
      SIGHTLINE_INFERENCE_HTTP: `127.0.0.1:${ports.inference}`,
      SIGHTLINE_SOURCE_FILES: dirname(resolve(video)),
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = createWriteStream(log);
  up.stderr.pipe(said);
  const exited = once(up, "exit");
  const end = () => up.kill("SIGTERM");
  signal.addEventListener("abort", end);
  const client = connect(`127.0.0.1:${ports.grpc}`);
  try {
    let isUp = false;
    for await (const line of createInterface({ input: up.stdout }))
      if (line.includes("Sightline is up")) {
        isUp = true;
        break;
      }
    up.stdout.resume();
    if (!isUp) throw new Error(`up ended before it was up; ${log} says why`);
    const run = await watch(client, options);
    end();
    const [code] = await exited;
    if (code !== 0) throw new Error(`up ended with ${code}; ${log} says why`);
    return run;
  } finally {
    signal.removeEventListener("abort", end);
    client.close();
    end();
    await exited;
  }
}

async function watch(
  client: SightlineClient,
  { video, cameras, seconds, signal }: UpRunOptions,
): Promise<UpRun> {
  const uri = pathToFileURL(resolve(video)).href;
  for (let i = 1; i <= cameras; i++) await client.cameras.register(`camera-${i}`, { uri });
  const latencies: number[] = [];
  const providers = new Set<string>();
  const time = AbortSignal.any([signal, AbortSignal.timeout(1000 * seconds)]);
  for await (const event of client.detections.subscribe({ includeEmpty: true, signal: time })) {
    if (event.kind !== "frame") continue;
    const { frame, inference } = event.frame;
    latencies.push(wallClockMs() - fromTimestamp(frame!.captureTime!));
    providers.add(inference?.executionProvider ?? "");
  }
  signal.throwIfAborted();
  latencies.sort((a, b) => a - b);
  const found = await Array.fromAsync(client.cameras.list());
  for (const camera of found) expectSound(camera);
  const sum = (of: (camera: Camera) => number) => found.reduce((total, camera) => total + of(camera), 0);
  return {
    captured: sum(({ status }) => status?.ledger?.captured ?? 0),
    inferred: sum(({ status }) => status?.ledger?.inferred ?? 0),
    framesPerSecond: sum(({ status }) => status?.inferenceFps ?? 0),
    latencyMs: { p50: at(latencies, 0.5), p95: at(latencies, 0.95) },
    executionProviders: [...providers],
  };
}

function expectSound({ name, status }: Camera): void {
  if (status?.state !== CameraState.LIVE) throw new Error(`${name} is not live: ${status?.message}`);
  const { captured, inferred, inFlight, dropped } = status.ledger!;
  const lost = dropped.reduce((total, { count }) => total + count, 0);
  if (captured !== inferred + lost + inFlight) throw new Error(`the account of ${name} does not balance`);
}

/** Of sorted values; 0 of none. */
function at(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
}
