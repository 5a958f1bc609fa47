import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freeClusterPorts, freePorts, RtspCameras, Stack, standardPorts, withoutTls } from "@sightline/stack";
import { Command, Option } from "commander";
import {
  ChaosRun,
  type ChaosVerdict,
  describeFault,
  type FaultOutcome,
  type Hurt,
} from "../chaos/chaos-run.ts";
import { recoveriesOf, recoveryLines } from "../chaos/recoveries.ts";
import { numberWithin, wholeNumber } from "../option-values.ts";
import { untilSignal } from "../signals.ts";

interface ChaosOptions {
  minutes: number;
  seed: number;
  cameras: number;
  fps: number;
  only?: Hurt;
  json: boolean;
}

/**
 * `sightline chaos`: runs a cluster on this machine, kills and freezes its processes at random, and checks that all results were exact.
 */
export function chaosCommand(): Command {
  return new Command("chaos")
    .option("--minutes <n>", "for how long faults are made", numberWithin(0.1, 1_440), 15)
    .option("--seed <n>", "the same number makes the same faults", wholeNumber(0, 2 ** 32 - 1), 1)
    .option("--cameras <n>", "how many cameras", wholeNumber(1, 64), 4)
    .option("--fps <n>", "frames per second to analyse of each camera", numberWithin(0.1, 30), 1)
    .addOption(new Option("--only <what>", "make faults in these only").choices(["services", "nats"]))
    .option("--json", "print one JSON object on stdout at the end; everything else goes to stderr", false)
    .addHelpText(
      "after",
      `
Three NATS servers, two processes of each service and real RTSP cameras. Processes are killed (and started again) or frozen, one
or two at a time; the next fault comes when every camera gives results again. Two subscribers to events, who know both results processes
and begin with one each, must be told exactly what is stored, in its order; every frame of the ledger must be stored once. Exits with 1 when not. How long
cameras and subscribers were without results is told apart for faults of services only and for those that hurt a NATS server: NATS itself
takes 4 to 9 s to choose another leader of a stream. "NATS alone" is measured in the same run: four streams of the same kind, which Sightline does
not use, get a message from a plain client five times a second, and the longest time counts in which one of them confirmed nothing.`,
    )
    .action(async (options: ChaosOptions) => {
      const stop = untilSignal();
      const directory = mkdtempSync(join(tmpdir(), "sightline-chaos-"));
      let isExact = false;
      try {
        isExact = await runChaos(options, directory, stop);
      } finally {
        if (isExact || stop.aborted) rmSync(directory, { recursive: true, force: true });
        else console.error(`logs and data are kept in ${directory}`);
      }
      if (!isExact) process.exitCode = 1;
    });
}

/** Returns whether everything was exact. */
async function runChaos(options: ChaosOptions, directory: string, stop: AbortSignal): Promise<boolean> {
  const say = (text: string) => (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  say("starting a cluster and its cameras …");
  const ports = await freePorts(standardPorts);
  const cluster = await freeClusterPorts(ports, 3);
  const stack = await Stack.start({ directory, ports, cluster, env: withoutTls }, stop);
  let cameras: RtspCameras | undefined;
  let run: ChaosRun | undefined;
  try {
    cameras = await RtspCameras.start({
      count: options.cameras,
      logFile: join(directory, "rtsp-camera.log"),
    });
    run = new ChaosRun(stack, cameras, options.fps);
    await run.start(stop);
    const end = AbortSignal.any([stop, AbortSignal.timeout(Math.ceil(options.minutes * 60_000))]);
    await run.hurt({ seed: options.seed, only: options.only }, end, (outcome) => say(line(outcome)));
    say("faults are over; comparing what was told and stored …");
    const verdict = await run.verdict();
    const summary = recoveriesOf(run.outcomes);
    if (options.json)
      process.stdout.write(
        `${JSON.stringify({ seed: options.seed, faults: run.outcomes, summary, verdict })}\n`,
      );
    else say(text(summary, verdict));
    return verdict.events.length + verdict.frames.length === 0;
  } finally {
    await run?.stop();
    await cameras?.stop();
    await stack.stop();
  }
}

function line(outcome: FaultOutcome): string {
  const { cameras, subscribers, nats } = outcome;
  const worst = (values: readonly number[]) => Math.max(...values).toFixed(1);
  return `${describeFault(outcome).padEnd(52)} cameras back after ${worst(Object.values(cameras))} s, subscribers after ${worst(subscribers)} s, NATS alone ${nats.toFixed(1)} s`;
}

function text(summary: ReturnType<typeof recoveriesOf>, verdict: ChaosVerdict): string {
  const wrong = [...verdict.events, ...verdict.frames];
  return [
    ...recoveryLines(summary),
    wrong.length === 0
      ? "exact: no event or frame was lost or told twice"
      : `WRONG: ${wrong.join("\n       ")}`,
  ].join("\n");
}
