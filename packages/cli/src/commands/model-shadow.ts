import { setTimeout as delay } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { printShadow, savePictures, shadowId } from "../model/shadow-report.ts";
import { numberWithin } from "../option-values.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

interface ShadowOptions {
  camera: string;
  /** Seconds; 0 means without end. */
  for: number;
  share: number;
  precision?: "int8" | "fp32";
  out?: string;
  detach: boolean;
  json: boolean;
}

const lookMs = 1_000;
/** Time for the last results to arrive when it ends. */
const settleMs = 2_500;

/** `sightline model shadow`: runs a share of a camera's frames by another model too, and reports how the two compare. */
export function modelShadowCommand(): Command {
  const command = new Command("shadow")
    .argument(
      "<name[@version]>",
      "the other model, and its version unless it is the active one",
      nameAndVersion,
    )
    .requiredOption("--camera <name>", "whose frames")
    .option(
      "--for <time>",
      "how long, such as 90s, 10m, 2h or 7d; always: until it is stopped",
      duration,
      600,
    )
    .option("--share <share>", "share of the camera's frames, 0 to 1", numberWithin(0.001, 1), 0.1)
    .addOption(
      new Option(
        "--precision <precision>",
        "float or 8 bits; as the worker would run it unless given",
      ).choices(["int8", "fp32"]),
    )
    .option("--out <directory>", "save the pictures of the biggest differences there")
    .option("--detach", "only start it; `model shadows` shows what it finds", false)
    .option("--json", "print as JSON", false);
  return command.action(async ({ model, version }: NameAndVersion, options: ShadowOptions) => {
    const { camera, share, precision, out, json } = options;
    const signal = untilSignal();
    await withServer(command, async (client) => {
      const { models } = client;
      const started = await models.startShadow(camera, model, {
        ...{ version, precision, share, durationSeconds: options.for || undefined },
      });
      const id = shadowId(started);
      if (options.detach || options.for === 0) {
        console.log(
          json
            ? JSON.stringify(started)
            : `shadow ${id} runs; \`sightline model shadows ${id}\` shows what it finds`,
        );
        return;
      }
      if (!json) console.error(`shadow ${id} runs; Ctrl+C ends it`);
      let said = "";
      for (;;) {
        const { endedTime, frames, workers } = await models.shadow(id);
        const words = workers
          .map(({ state, message }) => (message ? `${state}: ${message}` : state))
          .join("; ");
        const now = `${frames} frames compared${words === "" ? "; no frame of the camera has come to a worker yet" : ` (${words})`}`;
        if (!json && now !== said && process.stderr.isTTY) console.error(now);
        said = now;
        if (endedTime || signal.aborted) break;
        await delay(lookMs, undefined, { signal }).catch(() => undefined);
      }
      await models.stopShadow(id);
      await delay(settleMs);
      const report = await models.shadow(id);
      printShadow(report, json);
      if (out !== undefined) await savePictures(client, report, out, json);
    });
  });
}

interface NameAndVersion {
  model: string;
  version: string | undefined;
}

function nameAndVersion(text: string): NameAndVersion {
  const [model, version, more] = text.split("@");
  if (!model || version === "" || more !== undefined)
    throw new InvalidArgumentError("expected NAME or NAME@VERSION, such as people or people@2");
  return { model, version };
}

const units = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** Seconds; 0 means without end, since commander treats undefined as no value. */
function duration(text: string): number {
  if (text === "always") return 0;
  const [, number, unit] = /^([0-9]+)([smhd])$/.exec(text) ?? [];
  const seconds = Number(number) * units[unit as keyof typeof units];
  if (!(seconds >= 1 && seconds <= 31 * units.d))
    throw new InvalidArgumentError("expected a time such as 90s, 10m, 2h or 7d, 31d at most, or always");
  return seconds;
}
