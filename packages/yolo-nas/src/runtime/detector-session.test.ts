import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportPath } from "../../fixtures/reference.ts";
import { ExecutionProviderError, InvalidArgumentError, ModelFileError } from "../errors.ts";
import { loadModel, saveModel } from "../onnx/index.ts";
import { prepareModel } from "../prepare/prepare-model.ts";
import { DetectorSession } from "./detector-session.ts";

let folder: string;
let prepared: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "detector-"));
  prepared = join(folder, "prepared.onnx");
  await saveModel(prepareModel(await loadModel(exportPath("raw-static"))), prepared);
});
afterAll(() => rm(folder, { recursive: true }));

test("says what it takes and gives", async () => {
  const session = await DetectorSession.load(prepared, { threads: 1 });
  expect(session).toMatchObject({
    provider: "cpu",
    frame: { width: 96, height: 64 },
    candidates: 126,
    classCount: 2,
  });
  expect(session.frameBytes).toBe(3 * 96 * 64);
  const outputs = await session.run(new Uint8Array(3 * session.frameBytes), 3);
  expect(outputs.boxes.length).toBe(3 * 126 * 4);
  expect(outputs.scores.length).toBe(3 * 126 * 2);
  await session.stop();
  await session.stop();
});

test("never falls back when one provider is asked for", async () => {
  const outcome = await DetectorSession.load(prepared, { executionProvider: "cuda" }).catch(
    (error: unknown) => error,
  );
  if (outcome instanceof DetectorSession) {
    expect(outcome.provider).toBe("cuda");
    await outcome.stop();
  } else expect(outcome).toBeInstanceOf(ExecutionProviderError);
});

test("refuses files that are missing, not ONNX, or not prepared", async () => {
  await writeFile(join(folder, "text.onnx"), "no model");
  await expect(DetectorSession.load(join(folder, "absent.onnx"))).rejects.toThrow(ModelFileError);
  await expect(DetectorSession.load(join(folder, "text.onnx"))).rejects.toThrow(ModelFileError);
  await expect(DetectorSession.load(exportPath("raw-static"))).rejects.toThrow(ModelFileError);
});

test("refuses fewer pixels than frames", async () => {
  const session = await DetectorSession.load(prepared);
  await expect(session.run(new Uint8Array(10), 1)).rejects.toThrow(InvalidArgumentError);
  await expect(session.run(new Uint8Array(session.frameBytes), 0)).rejects.toThrow(InvalidArgumentError);
  await session.stop();
});
