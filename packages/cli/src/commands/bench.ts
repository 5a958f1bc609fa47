import { EXECUTION_PROVIDERS, PIXEL_FORMATS } from "@sightline/yolo-nas";
import { Command, Option } from "commander";
import { type ProgramOptions, runBenchProgram } from "../bench/run-program.ts";
import { wholeNumber } from "../number-options.ts";

/** `sightline bench admission`: measure what cameras with weights and floors get when the workers cannot do everything. */
export function benchAdmissionCommand(): Command {
  return new Command("admission")
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 30)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("admission", options));
}

/** `sightline bench clips`: whether the clips of many events hold their moments. */
export function benchClipsCommand(): Command {
  return new Command("clips")
    .option("--cameras <n>", "how many cameras are recorded at once", wholeNumber(1), 16)
    .option("--events <n>", "how many events' clips are looked at", wholeNumber(1), 1000)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("clips", options));
}

/** `sightline bench console`: how smooth the wall is, how soon it shows, and how much is loaded. */
export function benchConsoleCommand(): Command {
  return new Command("console")
    .option("--cameras <n>", "how many real RTSP cameras are on the wall", wholeNumber(1), 64)
    .option("--fps <r>", "frames per second that each of them sends", wholeNumber(1), 1)
    .option("--duration <s>", "seconds of measurement", wholeNumber(1), 10)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("console", options));
}

/** `sightline bench dead-cameras`: what addresses where no camera answers do to those that are live. */
export function benchDeadCamerasCommand(): Command {
  return new Command("dead-cameras")
    .option("--live <n>", "how many real RTSP cameras send a frame a second", wholeNumber(1), 20)
    .option("--dead <n>", "how many addresses are dead", wholeNumber(1), 500)
    .option("--duration <s>", "seconds of each measurement", wholeNumber(1), 60)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("dead-cameras", options));
}

/** `sightline bench end-to-end`: the inference service against a bare loop of the model's runs. */
export function benchEndToEndCommand(): Command {
  return new Command("end-to-end")
    .option("--model <name>", "model in the model directory", "yolo-nas-pedestrians")
    .option("--models <directory>", "model directory", "models")
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
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("end-to-end", options));
}

/** `sightline bench ingest`: ingest's processor time against that of bare ffmpegs. */
export function benchIngestCommand(): Command {
  return new Command("ingest")
    .option("--cameras <n>", "how many real RTSP cameras there are", wholeNumber(1), 4)
    .option("--fps <r>", "frames per second that each of them sends", wholeNumber(1), 10)
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often it is measured", wholeNumber(1), 3)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("ingest", options));
}

/** `sightline bench overload`: how old results are where more is offered than can be inferred. Exit code 1: the bar is missed. */
export function benchOverloadCommand(): Command {
  return new Command("overload")
    .option("--model <name>", "model in the model directory", "yolo-nas-pedestrians")
    .option("--models <directory>", "model directory", "models")
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
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("overload", options));
}

/** `sightline bench recording`: what recording costs, and a picture in the camera's resolution. */
export function benchRecordingCommand(): Command {
  return new Command("recording")
    .option("--cameras <n>", "how many cameras of 1080p30 are recorded at once", wholeNumber(1), 16)
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often it is measured", wholeNumber(1), 3)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("recording", options));
}

/** `sightline bench scale`: what a camera and a frame cost in each process, and how many a core carries. */
export function benchScaleCommand(): Command {
  return new Command("scale")
    .option("--seconds <n>", "length of each measurement", wholeNumber(1), 10)
    .option("--smoke", "one small measurement, without the costs that all together tell", false)
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("scale", options));
}

/** `sightline bench subscribers`: frames to many subscribers over gRPC, beside a bare gRPC server. */
export function benchSubscribersCommand(): Command {
  return new Command("subscribers")
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
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("subscribers", options));
}

/** `sightline bench tracking`: tracker metrics on scenes with exact truth, and what tracking and rules cost a frame. */
export function benchTrackingCommand(): Command {
  return new Command("tracking")
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("tracking", options));
}

/** `sightline bench transport`: frames per second and what they cost, by shared memory and through NATS, fairness and frame age under overload. */
export function benchTransportCommand(): Command {
  return new Command("transport")
    .option("--frame <WxH>", "size of the frames in pixels", "640x640")
    .addOption(
      new Option("--frames <format>", "how frames come to the worker").choices(PIXEL_FORMATS).default("gbrp"),
    )
    .option("--seconds <n>", "length of one measurement", wholeNumber(1), 10)
    .option("--rounds <n>", "how often each is measured, by turns", wholeNumber(1), 3)
    .option("--secure", "NATS by TLS, with a key and permissions for each service", false)
    .option("--only <parts>", "some of rates, engine, overload, with commas", "rates,engine,overload")
    .option("--json", "print one JSON object", false)
    .action((options: ProgramOptions) => runBenchProgram("transport", options));
}
