import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "@sightline/service/testing";
import { expect, test } from "vitest";
import { RunningResults } from "../../services/results/src/testing/running-results.ts";

/** What the process printed when it had ended, by itself and without an error. */
async function closing(address: string, server: "connected" | "alone"): Promise<string> {
  const script = fileURLToPath(new URL("closing-process.ts", import.meta.url));
  const args = ["--disable-warning=ExperimentalWarning", script, address, server];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stderr).toBe("");
  return stdout.trim();
}

test("close ends all that lasts and every call, and leaves nothing that keeps the process alive", async () => {
  const results = await RunningResults.start();
  try {
    expect(await closing(results.addresses.grpc, "connected")).toBe("CANCELLED");
    await expect.poll(() => results.metric("sightline_subscribers")).toBe(0);
  } finally {
    await results.stop();
  }
});

test("the same while no server answers", async () => {
  expect(await closing(`127.0.0.1:${await freePort()}`, "alone")).toBe("CANCELLED");
});
