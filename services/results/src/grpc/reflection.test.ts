import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RunningResults } from "../testing/running-results.ts";

const buf = fileURLToPath(new URL("../../../../node_modules/.bin/buf", import.meta.url));
const service = fileURLToPath(new URL("../..", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "sightline-reflection-"));

let results: RunningResults;
beforeAll(async () => {
  results = await RunningResults.start();
});
afterAll(async () => {
  await results.stop();
  rmSync(directory, { recursive: true });
});

function compile(protos: string, name: string, only?: string): string {
  const out = join(directory, name);
  const some = only ? ["--path", join(protos, only)] : [];
  execFileSync(buf, ["build", protos, "--as-file-descriptor-set", "-o", out, ...some], { cwd: service });
  return out;
}

test("the descriptors that are served are those of the .proto files", () => {
  const contracts = readFileSync(compile("../../packages/contracts", "sightline.binpb"));
  expect(contracts.equals(readFileSync(new URL("../gen/sightline.binpb", import.meta.url)))).toBe(true);
  const health = readFileSync(compile("node_modules/grpc-health-check/proto", "health.binpb"));
  expect(health.equals(readFileSync(new URL("../gen/health.binpb", import.meta.url)))).toBe(true);
});

test("a client that knows nothing but reflection finds the services, sees health, and calls", async () => {
  await results.client.cameras.register("front", { uri: "rtsp://u:p@cam/x" });
  const reflection = compile(
    "node_modules/@grpc/reflection/build/proto",
    "reflection.binpb",
    "grpc/reflection/v1/reflection.proto",
  );
  const script = fileURLToPath(new URL("../testing/reflection-client.py", import.meta.url));
  const run = promisify(execFile);
  const { stdout } = await run("/usr/bin/python3", [script, reflection, results.addresses.grpc]);
  const seen = JSON.parse(stdout);
  expect(seen.services).toEqual(
    expect.arrayContaining([
      "grpc.health.v1.Health",
      "sightline.v1.CameraService",
      "sightline.v1.DetectionService",
    ]),
  );
  expect(seen.health).toEqual({
    "": "SERVING",
    "sightline.v1.CameraService": "SERVING",
    unknown: "NOT_FOUND",
  });
  expect(seen.cameras).toMatchObject([{ name: "cameras/front", uri: "rtsp://cam/x", hasCredentials: true }]);
});
