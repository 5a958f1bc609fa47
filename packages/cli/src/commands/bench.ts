import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { EXECUTION_PROVIDERS, PIXEL_FORMATS } from "@sightline/yolo-nas";
import { Command, Option } from "commander";
import { numberWithin, wholeNumber } from "../option-values.ts";

/** `sightline bench admission`: measure what cameras with weights and floors get when the workers cannot do everything. */
export function benchAdmissionCommand(): Command {
  return benchProgram("admission")
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 30)
    .addOption(asJson());
}

/** `sightline bench clips`: whether the clips of many events contain their moments. */
export function benchClipsCommand(): Command {
  return benchProgram("clips")
    .option("--cameras <n>", "how many cameras are recorded at once", wholeNumber(1), 16)
    .option("--events <n>", "how many events' clips are looked at", wholeNumber(1), 1000)
    .addOption(asJson());
}

/** `sightline bench console`: how smooth the wall is, how soon it appears, and how much is loaded. */
export function benchConsoleCommand(): Command {
  return benchProgram("console")
    .option("--cameras <n>", "how many real RTSP cameras are on the wall", wholeNumber(1), 64)
    .option("--fps <r>", "frames per second that each of them sends", wholeNumber(1), 1)
    .option("--duration <s>", "seconds of measurement", wholeNumber(1), 10)
    .addOption(asJson());
}

/** `sightline bench dead-cameras`: how addresses where no camera answers affect live cameras. */
export function benchDeadCamerasCommand(): Command {
  return benchProgram("dead-cameras")
    .option("--live <n>", "how many real RTSP cameras send a frame a second", wholeNumber(1), 20)
    .option("--dead <n>", "how many addresses are dead", wholeNumber(1), 500)
    .option("--duration <s>", "seconds of each measurement", wholeNumber(1), 60)
    .addOption(asJson());
}

/** `sightline bench end-to-end`: the inference service compared with a bare loop of the model's runs. */
export function benchEndToEndCommand(): Command {
  return withModel(benchProgram("end-to-end"))
    .option("--precision <p>", "int8 or fp32", "int8")
    .addOption(
      new Option("--provider <name>", "what runs the model").choices(EXECUTION_PROVIDERS).default("cpu"),
    )
    .option("--batch <n>", "frames of a run", wholeNumber(1), 1)
    .addOption(
      new Option("--frames <format>", "how frames come to the worker").choices(PIXEL_FORMATS).default("gbrp"),
    )
    .option("--cameras <n>", "cameras that give frames as fast as they are taken", wholeNumber(1), 8)
    .option(
      "--threads <n>",
      "threads of the loop, and of the service's sessions together (default: one per core)",
      wholeNumber(1),
    )
    .option("--sessions <n,…>", "sessions of the service; each number is measured", "1")
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often each is measured, by turns", wholeNumber(1), 3)
    .addOption(asJson());
}

/** `sightline bench handover`: how long cameras give no results when a process of a service stops or joins. */
export function benchHandoverCommand(): Command {
  return benchProgram("handover")
    .option("--cameras <n>", "how many real RTSP cameras there are", wholeNumber(1), 4)
    .option("--fps <r>", "frames per second to analyse of each camera", numberWithin(0.1, 30), 5)
    .option("--rounds <n>", "how often each process is stopped and started again", wholeNumber(1), 3)
    .addOption(
      new Option("--service <name>", "stop and start only processes of this one").choices([
        "results",
        "analysis",
        "inference",
        "ingest",
      ]),
    )
    .addOption(asJson());
}

/** `sightline bench ingest`: ingest's processor time compared with that of plain ffmpegs. */
export function benchIngestCommand(): Command {
  return benchProgram("ingest")
    .option("--cameras <n>", "how many real RTSP cameras there are", wholeNumber(1), 4)
    .option("--fps <r>", "frames per second that each of them sends", wholeNumber(1), 10)
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often it is measured", wholeNumber(1), 3)
    .addOption(asJson());
}

/** `sightline bench overload`: the age of results when more is offered than can be inferred. Exit code 1: the limit is missed. */
export function benchOverloadCommand(): Command {
  return withModel(benchProgram("overload"))
    .option("--fixed <run,frame>", "no model: milliseconds of a run, and of each of its frames beyond that")
    .addOption(
      new Option("--goal <name>", "how throughput is weighed against latency")
        .choices(["latency", "balanced", "throughput"])
        .default("balanced"),
    )
    .option("--batch <n>", "frames of a batch, or auto", "auto")
    .option("--threads <n>", "threads inside one inference (default: one per core)", wholeNumber(1))
    .option("--fps <n>", "frames per second of each camera", wholeNumber(1), 10)
    .option("--times <n>", "how many times more frames are offered than are inferred", wholeNumber(1), 4)
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 20)
    .addOption(asJson());
}

/** `sightline bench recording`: the cost of recording, and of a picture in the camera's resolution. */
export function benchRecordingCommand(): Command {
  return benchProgram("recording")
    .option("--cameras <n>", "how many cameras of 1080p30 are recorded at once", wholeNumber(1), 16)
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often it is measured", wholeNumber(1), 3)
    .addOption(asJson());
}

/** `sightline bench scale`: the cost of a camera and a frame in each process, and how many a core can carry. */
export function benchScaleCommand(): Command {
  return benchProgram("scale")
    .option("--seconds <n>", "length of each measurement", wholeNumber(1), 10)
    .option("--smoke", "one small measurement, without the costs that all together tell", false)
    .addOption(asJson());
}

/** `sightline bench subscribers`: frames to many subscribers over gRPC, compared with a plain gRPC server. */
export function benchSubscribersCommand(): Command {
  return benchProgram("subscribers")
    .option("--subscribers <n>", "how many subscribe, in another process", wholeNumber(1, 100_000), 1000)
    .option("--rate <r>", "frames per second that each gets", wholeNumber(1, 10_000), 30)
    .option("--duration <s>", "seconds of measurement", wholeNumber(1, 86_400), 10)
    .addOption(
      new Option("--start <how>", "live: slow subscribers skip; newest: they miss nothing")
        .choices(["live", "newest"])
        .default("live"),
    )
    .option(
      "--highest",
      "also look for the highest rate at which p99 stays below 40 ms and none is lost",
      false,
    )
    .option("--secure", "also by TLS and with a token, on a server with users, beside without", false)
    .addOption(asJson());
}

/** `sightline bench tracking`: tracker metrics on scenes with exact truth, and the cost of tracking and rules per frame. */
export function benchTrackingCommand(): Command {
  return benchProgram("tracking").addOption(asJson());
}

/**
 * `sightline bench transport`: frames per second and their cost, through shared memory and through NATS, fairness and frame age under overload.
 */
export function benchTransportCommand(): Command {
  return benchProgram("transport")
    .option("--frame <WxH>", "size of the frames in pixels", "640x640")
    .addOption(
      new Option("--frames <format>", "how frames come to the worker").choices(PIXEL_FORMATS).default("gbrp"),
    )
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often each is measured, by turns", wholeNumber(1), 3)
    .option("--secure", "NATS by TLS, with a key and permissions for each service", false)
    .option("--only <parts>", "some of rates, engine, overload, with commas", "rates,engine,overload")
    .addOption(asJson());
}

/** `sightline screenshots`: the README's pictures of the web console, from a real run. */
export function screenshotsCommand(): Command {
  return new Command("screenshots")
    .description("take the README's pictures of the web console from a real run")
    .option("--directory <path>", "where to write them", "docs/images")
    .option("--fps <r>", "frames per second that are analysed of each of the four cameras", "5")
    .option("--settle <s>", "seconds that the system runs before they are taken", "100")
    .action((options: ProgramOptions) => runTestProgram("browser/screenshots.ts", options));
}

/** A command's options from commander; all names are single words. */
type ProgramOptions = Readonly<Record<string, string | number | boolean | undefined>>;

/** A command that runs a measurement of the whole system (`test/bench/NAME.ts`) and passes its options on. */
function benchProgram(name: string): Command {
  return new Command(name).action((options: ProgramOptions) => runTestProgram(`bench/${name}.ts`, options));
}

function asJson(): Option {
  return new Option("--json", "print one JSON object").default(false);
}

function withModel(command: Command): Command {
  return command
    .option("--model <name>", "model in the model directory", "yolo-nas-pedestrians")
    .option("--models <directory>", "model directory", "models");
}

/**
 * Runs a program from the folder `test` in a separate process, since it is not part of the product; its exit code becomes this process's.
 */
async function runTestProgram(path: string, options: ProgramOptions): Promise<void> {
  const program = join(projectRoot, "test", path);
  const args = programArguments(options);
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, ...args], {
    cwd: projectRoot,
    stdio: "inherit",
  });
  const [code] = await once(child, "exit");
  process.exitCode = code ?? 1;
}

/** Options as words of a command line; a switch is present or not. */
function programArguments(options: ProgramOptions): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
}
