import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type SightlineClient } from "@sightline/client";
import { type Camera, CameraState, limits } from "@sightline/contracts";
import { wallClockMs } from "@sightline/service/clock";
import { freePorts, projectRoot, RtspCameras, Stack, standardPorts, withoutTls } from "@sightline/stack";
import { Command } from "commander";
import { measureAffordableRate } from "../demo/affordable-rate.ts";
import { report, summary } from "../demo/report.ts";
import { Statistics } from "../demo/statistics.ts";
import { table, tableHelp } from "../demo/table.ts";
import { CliError } from "../errors.ts";
import { numberWithin, wholeNumber } from "../option-values.ts";
import { readRulesFile } from "../rules/read-rules-file.ts";
import { untilSignal } from "../signals.ts";

/** Zones, a line and rules for the bundled clip. */
const rulesFile = join(projectRoot, "test/fixtures/pedestrians.rules.json");

interface DemoOptions {
  cameras: number;
  fps?: number;
  duration?: number;
  json: boolean;
}

/** `sightline demo`: the whole system with real parts, from RTSP cameras to gRPC events, until stopped. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("run everything on real RTSP cameras that play the bundled clip, and print detections live")
    .option("--cameras <n>", "how many cameras", wholeNumber(1, 64), 2)
    .option(
      "--fps <n>",
      "frames per second to analyse of each camera; 0 takes every frame (default: what this machine infers, measured first)",
      numberWithin(0, limits.maxTargetFps),
    )
    .option("--duration <seconds>", "stop after this long (default: until Ctrl-C)", wholeNumber(1, 86_400))
    .option("--json", "print one JSON object on stdout at the end; everything else goes to stderr", false)
    .addHelpText(
      "after",
      `\n${tableHelp}\nIn the JSON, capturedFps and inferredFps are of the last 5 s, deliveredFps is DELIVERED FPS.`,
    )
    .action(async (options: DemoOptions) => {
      const stop = untilSignal();
      const directory = mkdtempSync(join(tmpdir(), "sightline-demo-"));
      try {
        await runDemo(options, directory, stop);
      } catch (error) {
        if (!stop.aborted) throw error;
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });
}

async function runDemo(options: DemoOptions, directory: string, stop: AbortSignal): Promise<void> {
  const say = (text: string) => (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  say("starting NATS, the services and the cameras …");
  const ports = await freePorts(standardPorts);
  const stack = await Stack.start({ directory, ports, env: withoutTls }, stop);
  let cameras: RtspCameras | undefined;
  let client: SightlineClient | undefined;
  try {
    cameras = await RtspCameras.start({
      count: options.cameras,
      logFile: join(directory, "rtsp-camera.log"),
    });
    client = connect(`127.0.0.1:${ports.grpc}`);
    const rules = await readRulesFile(rulesFile);
    for (const name of cameras.names) {
      await client.cameras.register(name, { uri: cameras.url(name), targetFps: options.fps });
      await client.rules.update(name, rules);
    }
    const metrics = [ports.results, ports.ingest, ports.inference].map(
      (port) => `http://127.0.0.1:${port}/metrics`,
    );
    say(
      `console  http://127.0.0.1:${ports.results}/\ngRPC     127.0.0.1:${ports.grpc}\nmetrics  ${metrics.join("\n         ")}\ncameras  ${cameras.url("camera-1")} …\n\n${tableHelp}\n`,
    );
    if (options.fps === undefined) await setAffordableRate(client, cameras.names, stop, say);
    const statistics = new Statistics();
    const last = await watch(client, statistics, options, stop, stack, say);
    if (options.json) process.stdout.write(`${JSON.stringify(report(last, statistics))}\n`);
    else say(`\n${summary(last, statistics)}`);
    const dark = last.filter((camera) => camera.status?.state !== CameraState.LIVE);
    if (!stop.aborted && dark.length > 0)
      throw new CliError(
        "failed",
        `not live at the end: ${dark.map(({ name, status }) => `${name} (${status?.message})`).join(", ")}`,
      );
  } finally {
    client?.close();
    await cameras?.stop();
    await stack.stop();
  }
}

/** So that the demo shows what the machine can do, not how it drops frames. */
async function setAffordableRate(
  client: SightlineClient,
  names: readonly string[],
  stop: AbortSignal,
  say: (text: string) => void,
): Promise<void> {
  say("measuring what this machine can infer …");
  const { inferredFps, perCamera } = await measureAffordableRate(client, stop);
  const machine = `this machine infers ${inferredFps.toFixed(0)} frames/s`;
  if (perCamera === undefined) return say(`${machine}: all that the cameras send\n`);
  for (const name of names) await client.cameras.update(name, { targetFps: perCamera });
  const count = `${names.length} camera${names.length === 1 ? "" : "s"}`;
  say(`${machine}: ${count} at ${perCamera}/s (--fps sets another rate)\n`);
}

/** Follows the detections until the time is up, printing the table each second; returns the cameras at the end. */
async function watch(
  client: SightlineClient,
  statistics: Statistics,
  options: DemoOptions,
  stop: AbortSignal,
  stack: Stack,
  say: (text: string) => void,
): Promise<Camera[]> {
  const end = options.duration
    ? AbortSignal.any([stop, AbortSignal.timeout(Math.ceil(options.duration * 1000))])
    : stop;
  const following = (async () => {
    for await (const event of client.detections.subscribe({ includeEmpty: true, signal: end }))
      if (event.kind === "frame") statistics.record(event.frame, wallClockMs());
  })();
  const failed = stack.firstExit().then(async (child) => {
    if (!end.aborted) throw await child.failure();
  });
  const redraw = process.stdout.isTTY && !options.json;
  let height = 0;
  while (!end.aborted) {
    await Promise.race([delay(1000, undefined, { signal: end }).catch(() => undefined), failed]);
    const cameras = await Array.fromAsync(client.cameras.list());
    if (cameras.length === 0) continue;
    const text = table(cameras, statistics);
    say(redraw && height > 0 ? `\x1b[${height}A\x1b[J${text}` : text);
    height = text.split("\n").length;
  }
  await following;
  return Array.fromAsync(client.cameras.list());
}
