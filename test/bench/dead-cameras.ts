/**
 * What a great many dead camera addresses do to live cameras: NATS, the three services with the shipped model, real RTSP
 * cameras, and addresses that refuse, say nothing, want another password or know no such stream.
 * `node test/bench/dead-cameras.ts [--live N] [--dead N] [--duration S] [--json]`
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Camera, CameraState, connect, type SightlineClient } from "@sightline/client";
import { freePort } from "@sightline/service/testing";
import { RtspCameras, Stack } from "@sightline/stack";
import { stackPorts } from "../system/system.ts";
import { processUsage, quantile } from "./measure.ts";

export interface DeadCamerasOptions {
  live: number;
  dead: number;
  /** Seconds of measurement. */
  duration: number;
}

/** One phase: the live cameras alone, or beside the dead ones. */
interface Phase {
  seconds: number;
  /** Live cameras that are live at the end. */
  live: number;
  captured: number;
  inferred: number;
  /** Frames of live cameras that were dropped, by reason. */
  dropped: Record<string, number>;
  /** Live cameras whose epoch is another than before the phase. */
  epochChanges: number;
  reconnects: number;
  leasesLost: number;
  logLinesPerSecond: Record<string, number>;
  /** Cores that each process took. */
  cpu: Record<string, number>;
  /** Milliseconds: every camera by gRPC, and what the console asks for by HTTP. */
  cameraListMs: { p50: number; p99: number };
  consoleMs: { p50: number; p99: number };
}

const clipFps = 10;
const patienceMs = 240_000;
const services = ["nats-server", "results", "inference", "ingest"] as const;

/** Registers what is dead: a quarter of each kind. */
async function registerDead(client: SightlineClient, locked: RtspCameras, silentPort: number, count: number) {
  const refused = await freePort();
  const uris = [
    `rtsp://127.0.0.1:${refused}/x`,
    `rtsp://127.0.0.1:${silentPort}/x`,
    locked.url("camera-1").replace("rtsp://", "rtsp://admin:wrong@"),
    locked.url("no-such-stream").replace("rtsp://", "rtsp://admin:right@"),
  ];
  for (let i = 0; i < count; i++) await client.cameras.register(`dead-${i}`, { uri: uris[i % uris.length]! });
}

async function list(client: SightlineClient): Promise<Map<string, Camera>> {
  const cameras = await Array.fromAsync(client.cameras.list());
  return new Map(cameras.map((camera) => [camera.name.replace("cameras/", ""), camera]));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

function logLines(directory: string): Record<string, string[]> {
  const folder = join(directory, "logs");
  return Object.fromEntries(
    readdirSync(folder).map((name) => [
      name.replace(".log", ""),
      readFileSync(join(folder, name), "utf8").split("\n"),
    ]),
  );
}

async function measure(
  stack: Stack,
  client: SightlineClient,
  live: readonly string[],
  seconds: number,
): Promise<Phase> {
  const origin = `http://127.0.0.1:${stack.ports.results}`;
  const state = async () => ({
    cameras: await list(client),
    lines: logLines(stack.directory),
    cpu: await Promise.all(services.map((name) => processUsage(stack.process(name).child.pid!))),
    at: performance.now(),
  });
  const before = await state();
  const [listMs, consoleMs]: [number[], number[]] = [[], []];
  while (performance.now() - before.at < seconds * 1000) {
    listMs.push(await timed(() => list(client)));
    consoleMs.push(
      await timed(async () => {
        for (const path of ["/api/v1/system", "/api/v1/cameras"]) {
          const answer = await fetch(origin + path);
          if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
          await answer.text();
        }
      }),
    );
    await delay(1_000);
  }
  const after = await state();
  const took = (after.at - before.at) / 1000;
  const each = live.map((id) => ({
    old: before.cameras.get(id)!.status,
    now: after.cameras.get(id)!.status,
  }));
  const sum = (value: (status: Camera["status"]) => number) =>
    each.reduce((total, { old, now }) => total + value(now) - value(old), 0);
  const reasons = new Set(each.flatMap(({ now }) => now?.ledger?.dropped.map(({ reason }) => reason) ?? []));
  const drops = (status: Camera["status"], reason: number) =>
    status?.ledger?.dropped.find((each) => each.reason === reason)?.count ?? 0;
  const news = Object.entries(after.lines).map(
    ([name, lines]) => [name, lines.slice((before.lines[name]?.length ?? 1) - 1)] as const,
  );
  const quantiles = (values: number[]) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99) });
  return {
    seconds: took,
    live: each.filter(({ now }) => now?.state === CameraState.LIVE).length,
    captured: sum((status) => status?.ledger?.captured ?? 0),
    inferred: sum((status) => status?.ledger?.inferred ?? 0),
    dropped: Object.fromEntries(
      [...reasons].map((reason) => [reason, sum((status) => drops(status, reason))]),
    ),
    epochChanges: each.filter(({ old, now }) => old?.epoch !== now?.epoch).length,
    reconnects: sum((status) => status?.reconnects ?? 0),
    leasesLost: news.flatMap(([, lines]) => lines).filter((line) => /lease (?:is )?lost/.test(line)).length,
    logLinesPerSecond: Object.fromEntries(news.map(([name, lines]) => [name, lines.length / took])),
    cpu: Object.fromEntries(
      services.map((name, i) => [name, (after.cpu[i]!.cpuSeconds - before.cpu[i]!.cpuSeconds) / took]),
    ),
    cameraListMs: quantiles(listMs),
    consoleMs: quantiles(consoleMs),
  };
}

/** Measures the live cameras alone, while the dead ones are registered, and beside them. */
export async function benchDeadCameras(
  { live, dead, duration }: DeadCamerasOptions,
  say: (line: string) => void = () => undefined,
) {
  const directory = mkdtempSync(join(tmpdir(), "sightline-dead-"));
  const stack = await Stack.start({ directory, ports: await stackPorts() }, AbortSignal.timeout(patienceMs));
  const client = connect(`127.0.0.1:${stack.ports.grpc}`);
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined).on("close", () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address();
  const cameras = await RtspCameras.start({
    ...{ count: live, speed: 1 / clipFps, logFile: join(directory, "cameras.log") },
  });
  const locked = await RtspCameras.start({
    ...{ count: 1, user: "admin", password: "right", logFile: join(directory, "locked.log") },
  });
  try {
    for (const name of cameras.names) await client.cameras.register(name, { uri: cameras.url(name) });
    const until = performance.now() + patienceMs;
    for (;;) {
      const all = await list(client);
      const analysed = cameras.names.filter((id) => (all.get(id)?.status?.ledger?.inferred ?? 0) > 0).length;
      if (analysed === live) break;
      if (performance.now() > until) throw new Error(`only ${analysed} of ${live} cameras were analysed`);
      await delay(500);
    }
    say(`${live} live cameras`);
    const alone = await measure(stack, client, cameras.names, duration);
    const [registering, registeringMs] = await Promise.all([
      measure(stack, client, cameras.names, duration / 2),
      timed(() => registerDead(client, locked, (address as { port: number }).port, dead)),
    ]);
    say(`${dead} dead cameras, registered in ${Math.round(registeringMs)} ms`);
    const beside = await measure(stack, client, cameras.names, duration);
    const states: Record<string, number> = {};
    for (const { name, status } of (await list(client)).values())
      if (name.startsWith("cameras/dead")) {
        const state = Object.entries(CameraState).find(([, value]) => value === status?.state)?.[0];
        const key = `${state} ${status?.reason ?? ""}`;
        states[key] = (states[key] ?? 0) + 1;
      }
    return { alone, registering, beside, deadStates: states };
  } finally {
    client.close();
    await Promise.all([cameras.stop(), locked.stop()]);
    for (const socket of sockets) socket.destroy();
    silent.close();
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      live: { type: "string", default: "20" },
      dead: { type: "string", default: "500" },
      duration: { type: "string", default: "60" },
      json: { type: "boolean", default: false },
    },
  });
  const report = await benchDeadCameras(
    { live: Number(values.live), dead: Number(values.dead), duration: Number(values.duration) },
    (line) => console.error(line),
  );
  console.log(JSON.stringify(report, undefined, values.json ? undefined : 2));
}
