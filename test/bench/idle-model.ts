/** What a second model costs that is loaded and has nothing to do: memory and processor time of the worker with it and without. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect } from "@sightline/client";
import { projectRoot, Stack } from "@sightline/stack";
import { Scrape, stackPorts } from "../system/system.ts";
import { processUsage } from "./measure.ts";

const model = "yolo-nas-pedestrians";

/** A folder of models with the bundled one twice, under two names. */
function twoModels(directory: string): void {
  for (const name of [model, "second"]) {
    cpSync(join(projectRoot, "models", model), join(directory, name), { recursive: true });
    const file = join(directory, name, "model.json");
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), name }));
  }
}

/** Measures for `seconds` each. Processor time is a share of one core. */
export async function benchIdleModel(seconds: number) {
  const directory = mkdtempSync(join(tmpdir(), "sightline-bench-idle-"));
  const models = join(directory, "models");
  twoModels(models);
  const ports = await stackPorts();
  const env = { SIGHTLINE_MODEL_DIR: models, SIGHTLINE_MODELS: "all", SIGHTLINE_LOG_LEVEL: "warn" };
  const stack = await Stack.start({ directory, ports, env }, AbortSignal.timeout(100_000));
  const client = connect(`127.0.0.1:${ports.grpc}`);
  try {
    const pid = stack.process("inference").child.pid!;
    const measure = async () => {
      await delay(10_000);
      const before = await processUsage(pid);
      await delay(seconds * 1000);
      const after = await processUsage(pid);
      return {
        core: (after.cpuSeconds - before.cpuSeconds) / seconds,
        rssMib: after.rssBytes / 1024 ** 2,
      };
    };
    const memory = async () => {
      const told = await Scrape.of(`127.0.0.1:${ports.inference}`);
      return told.sum("sightline_inference_model_memory_bytes", { model: "second" });
    };
    const one = await measure();
    // Nothing comes from it, so that its model has nothing to do.
    await client.cameras.register("nowhere", { uri: "rtsp://127.0.0.1:1/x", model: "second" });
    while ((await memory()) === undefined) await delay(500);
    const two = await measure();
    return { one, two, secondMib: (await memory())! / 1024 ** 2 };
  } finally {
    client.close();
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { seconds: { type: "string", default: "30" } } });
  console.log(await benchIdleModel(Number(values.seconds)));
}
