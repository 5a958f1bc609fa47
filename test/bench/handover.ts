/**
 * How long a camera gives nothing when one of two processes of a service stops in good order (SIGTERM), and when it comes back and gets its
 * share: a cluster of three NATS servers on this machine, two processes of each service, the shipped model, real RTSP cameras.
 * `node test/bench/handover.ts [--cameras N] [--fps R] [--rounds N] [--service NAME] [--json]`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect, type SightlineClient } from "@sightline/client";
import { cameraIdOf, fromTimestamp } from "@sightline/contracts";
import { RtspCameras, Stack } from "@sightline/stack";
import { clusterPorts, stackPorts } from "../system/system.ts";
import { quantile } from "./measure.ts";

export interface HandoverOptions {
  cameras: number;
  /** Frames per second to analyse of each camera. */
  fps: number;
  rounds: number;
  /** Only this one stops and comes back. */
  service?: Service | undefined;
}

const services = ["results", "analysis", "inference", "ingest"] as const;
const actions = ["stops", "is back"] as const;
type Service = (typeof services)[number];

/** Times in milliseconds. Without a handover a camera gives nothing for 1000 / fps. */
export interface HandoverRow {
  service: Service | "nothing";
  action: (typeof actions)[number] | "happens";
  /** Between two frames of a camera that a subscriber was given one after the other, when they came: the longest of each camera and round. */
  delivered: { p50: number; most: number };
  /** The same, when they were captured. */
  captured: { p50: number; most: number };
  /** From the last frame of a camera that one ingest captured to the first that the next did, of cameras that went over; null if none. */
  moved: { count: number; p50: number; most: number } | null;
}

interface Given {
  at: number;
  capturedAt: number;
  epoch: string;
}

const patienceMs = 120_000;
/** So long it takes until a process that stopped, or came back, has nothing more to hand over. */
const phaseMs = 14_000;

/** Measures in a cluster of its own. */
export async function benchHandover(
  { cameras: count, fps, rounds, service: only }: HandoverOptions,
  say: (line: string) => void = () => undefined,
): Promise<HandoverRow[]> {
  const chosen = services.filter((name) => only === undefined || name === only);
  const directory = mkdtempSync(join(tmpdir(), "sightline-handover-"));
  const ports = await stackPorts();
  const cluster = await clusterPorts(ports, 3);
  const stack = await Stack.start(
    { directory, ports, cluster, env: { SIGHTLINE_ANALYSIS: "apart" } },
    AbortSignal.timeout(patienceMs),
  );
  const client = connect(`127.0.0.1:${ports.grpc}`);
  const cameras = await RtspCameras.start({ count, logFile: join(directory, "cameras.log") });
  const ending = new AbortController();
  const given = new Map<string, Given[]>(cameras.names.map((name) => [name, []]));
  const following = follow(client, given, ending.signal);
  following.catch(() => ending.abort());
  try {
    for (const name of cameras.names)
      await client.cameras.register(name, { uri: cameras.url(name), targetFps: fps });
    await untilAllGive(given, performance.now(), ending.signal);
    await delay(phaseMs);
    const phases: { key: string; cameras: Given[][] }[] = [];
    const measure = async (key: string, act: () => Promise<unknown>) => {
      const began = performance.now();
      await act();
      await delay(phaseMs);
      await untilAllGive(given, performance.now(), ending.signal);
      const since = (frames: Given[]) =>
        frames.slice(Math.max(0, frames.findIndex(({ at }) => at >= began) - 1));
      phases.push({ key, cameras: [...given.values()].map((frames) => since(frames)) });
    };
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}`);
      await measure("nothing happens", async () => undefined);
      for (const service of chosen) {
        // The subscriber is at the first.
        const process = stack.process(`${service}-2`);
        await measure(`${service} stops`, () => process.stop());
        await measure(`${service} is back`, () => stack.startAgain(process));
      }
    }
    const keys = [
      ["nothing", "happens"],
      ...chosen.flatMap((name) => actions.map((action) => [name, action])),
    ];
    return keys.map(([service, action]) => {
      const all = phases
        .filter(({ key }) => key === `${service} ${action}`)
        .flatMap((phase) => phase.cameras);
      return { service, action, ...rowOf(all) } as HandoverRow;
    });
  } finally {
    ending.abort();
    await following.catch(() => undefined);
    client.close();
    await cameras.stop();
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function follow(
  client: SightlineClient,
  given: Map<string, Given[]>,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of client.detections.subscribe({ includeEmpty: true, signal })) {
    if (message.kind !== "frame") continue;
    const { camera, captureTime, epoch } = message.frame.frame!;
    const capturedAt = fromTimestamp(captureTime!);
    given.get(cameraIdOf(camera) ?? "")?.push({ at: performance.now(), capturedAt, epoch });
  }
}

async function untilAllGive(given: Map<string, Given[]>, since: number, signal: AbortSignal): Promise<void> {
  const silent = () => [...given].filter(([, frames]) => !(frames.at(-1)! && frames.at(-1)!.at > since));
  while (silent().length > 0) {
    signal.throwIfAborted();
    if (performance.now() > since + patienceMs)
      throw new Error(`no results of ${silent().map(([name]) => name)} for ${patienceMs / 1000} s`);
    await delay(50);
  }
}

function rowOf(cameras: Given[][]): Pick<HandoverRow, "delivered" | "captured" | "moved"> {
  const between = (frames: Given[], time: "at" | "capturedAt") =>
    frames.slice(1).map((frame, i) => frame[time] - frames[i]![time]);
  const summary = (values: number[]) => ({
    p50: Math.round(quantile(values, 0.5)),
    most: Math.round(Math.max(...values)),
  });
  const captured = cameras.map((frames) => frames.toSorted((a, b) => a.capturedAt - b.capturedAt));
  const moves = captured.flatMap((frames) =>
    frames.slice(1).flatMap((frame, i) => {
      const before = frames[i]!;
      return frame.epoch === before.epoch ? [] : [frame.capturedAt - before.capturedAt];
    }),
  );
  return {
    delivered: summary(cameras.map((frames) => Math.max(...between(frames, "at")))),
    captured: summary(captured.map((frames) => Math.max(...between(frames, "capturedAt")))),
    moved: moves.length > 0 ? { count: moves.length, ...summary(moves) } : null,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      cameras: { type: "string", default: "4" },
      fps: { type: "string", default: "5" },
      rounds: { type: "string", default: "3" },
      service: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const options = {
    cameras: Number(values.cameras),
    fps: Number(values.fps),
    rounds: Number(values.rounds),
    service: services.find((name) => name === values.service),
  };
  const rows = await benchHandover(options, (line) => console.error(line));
  if (values.json) console.log(JSON.stringify(rows));
  else {
    const of = ({ p50, most }: { p50: number; most: number }) => `${p50} ms, ${most} at most`;
    console.table(
      rows.map(({ service, action, delivered, captured, moved }) => ({
        "": `${service} ${action}`,
        delivered: of(delivered),
        captured: of(captured),
        "from one ingest to the next": moved ? `${of(moved)} (${moved.count})` : "",
      })),
    );
  }
}
