import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@sightline/service";
import { expect, onTestFinished, test } from "vitest";
import type { InferenceConfig } from "./config.ts";
import { ShadowSession } from "./shadow-session.ts";
import { writeSmallModel } from "./testing/small-model.ts";
import { Turns } from "./turns.ts";

test("a shadow whose engine reads I420 finds in a frame what one that reads gbrp does", async () => {
  const modelDirectory = mkdtempSync(join(tmpdir(), "sightline-shadow-"));
  onTestFinished(() => rmSync(modelDirectory, { recursive: true }));
  await writeSmallModel(modelDirectory, "planes");
  await writeSmallModel(modelDirectory, "halves", { readsI420: true });
  const config = { modelDirectory, executionProvider: "cpu", precision: "fp32", threads: 1 } as const;
  const scoresOf = async (model: string) => {
    const session = await ShadowSession.open({ model }, undefined, {
      config: { ...config, batchGoal: "balanced" } as InferenceConfig,
      turns: new Turns(),
      threads: new Set(),
      free: () => Number.POSITIVE_INFINITY,
      log: createLogger("test", "silent"),
    });
    try {
      // Grey, which is the same after a way through I420.
      session.place(new Uint8Array(3 * 64 * 64).fill(114));
      return (await session.run(10_000))!.outputs.scores;
    } finally {
      await session.stop();
    }
  };
  expect(await scoresOf("halves")).toEqual(await scoresOf("planes"));
});
