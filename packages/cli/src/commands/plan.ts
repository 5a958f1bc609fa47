import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "@sightline/contracts";
import { isFree, standardPorts } from "@sightline/stack";
import { Command, InvalidArgumentError } from "commander";
import { numberWithin, wholeNumber } from "../option-values.ts";
import { measureMachine, mostCameras, planClip, type SourceSize } from "../plan/measure-machine.ts";
import { planJson, planWords } from "../plan/plan-words.ts";
import { untilSignal } from "../signals.ts";

interface PlanOptions {
  cameras: number;
  fps: number;
  model?: string;
  size?: SourceSize;
  cameraFps?: number;
  camera?: string[];
  reserve?: number;
  check: boolean;
  json: boolean;
}

/** `sightline plan`: measures briefly on this machine whether cameras fit it. */
export function planCommand(): Command {
  return new Command("plan")
    .description("say whether cameras fit this machine, by measuring for half a minute")
    .requiredOption("--cameras <n>", "how many cameras", wholeNumber(1, 10_000))
    .requiredOption(
      "--fps <n>",
      "frames per second to analyse of each camera; 0 takes every frame",
      numberWithin(0, limits.maxTargetFps),
    )
    .option("--model <name>", "model in the model directory (default: the one that up serves)")
    .option(
      "--size <WIDTHxHEIGHT>",
      "size of the cameras' pictures (default: 768x576, the bundled clip's)",
      pictureSize,
    )
    .option(
      "--camera-fps <n>",
      "frames per second that the cameras send (default: 10, the bundled clip's)",
      numberWithin(1, 60),
    )
    .option(
      "--camera <url>",
      "measure with a real camera, in place of played video; may be given several times, also with the same one",
      (url: string, before: string[] = []) => [...before, url],
    )
    .option(
      "--reserve <cores>",
      "cores that other programs need (default: what they take while it measures)",
      numberWithin(0, 1024),
    )
    .option("--check", "run just these cameras after it, and say how far off the plan was", false)
    .option("--json", "print one JSON object", false)
    .addHelpText(
      "after",
      `
Services of its own run on free ports while it measures, and are gone after. What else runs on the machine, such as an up, counts as other programs:
stop it first if it is to give way. Costs are of processor time; memory, disks and the network are not looked at.`,
    )
    .action(async (options: PlanOptions) => {
      if (options.camera && (options.size || options.cameraFps !== undefined))
        throw new InvalidArgumentError(
          "--size and --camera-fps are of played video; a real camera (--camera) has its own",
        );
      const most = options.camera?.length ?? mostCameras;
      if (options.check && options.cameras > most)
        throw new InvalidArgumentError(
          `--check can run ${most} cameras at most; ask for fewer, or leave it out`,
        );
      const signal = untilSignal();
      const directory = mkdtempSync(join(tmpdir(), "sightline-plan-"));
      const say = (text: string) => process.stderr.write(`${text}\n`);
      try {
        if (!(await isFree(standardPorts.grpc)))
          say("Sightline seems to run here already: what it takes counts as taken by other programs");
        say("starting NATS and the services …");
        const source = options.camera
          ? { uris: options.camera }
          : { clip: await planClip(directory, { size: options.size, fps: options.cameraFps }) };
        const { cameras, fps, reserve, model } = options;
        const check = options.check ? { cameras, fps } : undefined;
        const measured = await measureMachine({ directory, model, source, check, signal, say });
        const wish = { cameras, fps, reserve };
        const text = options.json
          ? JSON.stringify(planJson(measured, wish))
          : `\n${planWords(measured, wish)}`;
        process.stdout.write(`${text}\n`);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });
}

function pictureSize(text: string): SourceSize {
  const [, width, height] = /^([0-9]{2,5})[x×]([0-9]{2,5})$/.exec(text) ?? [];
  const size = { width: Number(width), height: Number(height) };
  if (
    width === undefined ||
    size.width % 2 === 1 ||
    size.height % 2 === 1 ||
    size.width > 7680 ||
    size.height > 4320
  )
    throw new InvalidArgumentError(
      "expected WIDTHxHEIGHT in even numbers up to 7680x4320, such as 1920x1080.",
    );
  return size;
}
