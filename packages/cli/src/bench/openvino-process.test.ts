/** OpenVINO's process as `bench model` starts it, with the Python of this machine. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { architecture, buildModel, prepareModel, SeededWeights, saveModel } from "@sightline/yolo-nas";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "../testing/command-line.ts";
import { OPENVINO_FOLDER, OpenVinoProcess } from "./openvino-process.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "openvino-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function pythonThat(does: string): Promise<string> {
  const path = join(folder, "python");
  await writeFile(path, `#!/bin/sh\n${does}\n`);
  await chmod(path, 0o755);
  return path;
}

test("where there is no Python, it says so before it builds a model, and what brings one", async () => {
  const words = ["bench", "model", "--engine", "onnxruntime,openvino", "--python", "/none/python"];
  const { code, stderr } = await runCommand(words);
  expect(code).toBe(1);
  expect(stderr).toBe(
    "sightline: OpenVINO is timed by Python, and '/none/python' cannot be run: " +
      '"apt-get install python3-pip" brings one, --python PATH names another\n',
  );
});

test("where Python has no OpenVINO, it says the command that brings it", async () => {
  // -I and -S: nothing that was installed is found.
  const python = await pythonThat('exec python3 -I -S "$@"');
  const { code, stderr } = await runCommand(["bench", "model", "--engine", "openvino", "--python", python]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^sightline: '.*' has no OpenVINO \(No module named '\w+'\); this brings it: .*\n$/);
  expect(stderr).toContain(`${python} -m pip install --target ${OPENVINO_FOLDER} openvino\n`);
});

test.each([
  ["echo hello", "is no Python"],
  ["exit 3", "ended (exit code 3)"],
])("a program that is no Python is told from one: %s", async (does, words) => {
  const start = OpenVinoProcess.start(await pythonThat(does), new AbortController().signal);
  await expect(start).rejects.toThrow(words);
});

describe.skipIf(!existsSync(OPENVINO_FOLDER))("with OpenVINO in .sightline/openvino", () => {
  let openVino: OpenVinoProcess;
  beforeAll(async () => {
    openVino = await OpenVinoProcess.start("python3", new AbortController().signal);
  });
  afterAll(() => openVino.stop());
  const model = () => ({ file: join(folder, "m.onnx"), batch: 2, threads: 1, floats: "f32" as const });

  test("a prepared model is loaded and timed", async () => {
    const input = { width: 96, height: 64, classes: ["person"] };
    const graph = prepareModel(buildModel(architecture("yolo_nas_xs"), new SeededWeights(1), input));
    await saveModel(graph, model().file);
    const loaded = await openVino.load(model());
    if ("error" in loaded || "run" in loaded.subject) throw new Error("not loaded");
    expect(loaded.floats).toBe("f32");
    const runs = await loaded.subject.timeBlock(0);
    expect(runs).toHaveLength(2);
    for (const { ms, cpuMs } of runs) expect(Math.min(ms, cpuMs)).toBeGreaterThan(0);
  });

  test("OpenVINO's telemetry does not run", async () => {
    const script =
      "import sys; exec(open(sys.argv[1]).read().split('core =')[0]); " +
      "from openvino.tools.ovc import telemetry_utils as t; print(t.tm.__name__, file=answers)";
    const timer = join(import.meta.dirname, "openvino_timer.py");
    const env = { ...process.env, PYTHONPATH: OPENVINO_FOLDER };
    const { stdout } = await promisify(execFile)("python3", ["-c", script, timer], { env });
    expect(stdout.trim()).toBe("openvino.tools.ovc.telemetry_stub");
  });

  test("a file that it cannot load is an answer, and the process goes on", async () => {
    await writeFile(join(folder, "other.onnx"), "no model");
    const refused = await openVino.load({ ...model(), file: join(folder, "other.onnx") });
    expect("error" in refused && refused.error).toBeTruthy();
    expect(await openVino.load(model())).toHaveProperty("subject");
  });

  test("a process that is killed is said, not waited for", async () => {
    const controller = new AbortController();
    const other = await OpenVinoProcess.start("python3", controller.signal);
    controller.abort(new Error("stopped by SIGINT"));
    await expect(other.load(model())).rejects.toThrow("stopped by SIGINT");
    await other.stop();
  });
});
