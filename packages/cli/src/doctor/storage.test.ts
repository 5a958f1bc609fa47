import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@sightline/service/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkStorage } from "./storage.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-store-"));
beforeEach(async () => {
  vi.stubEnv("SIGHTLINE_RESULTS_HTTP", `127.0.0.1:${await freePort()}`);
  vi.stubEnv("SIGHTLINE_NATS_STORE_DIR", join(directory, "not", "there", "yet"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

test("limits that do not fit on the disk are told before results is started, and the fix makes them fit", async () => {
  vi.stubEnv("SIGHTLINE_EVENTS_MAX_BYTES", String(2 ** 52));
  vi.stubEnv("SIGHTLINE_DETECTIONS_MAX_BYTES", String(2 ** 52));
  vi.stubEnv("SIGHTLINE_SNAPSHOTS_MAX_BYTES", String(2 ** 52));
  const findings = await checkStorage();
  expect(findings.map(({ name }) => name)).toEqual(["disk of NATS", "limits of the streams"]);
  const [disk, limits] = findings;
  expect(disk?.detail).toMatch(/^the disk of \/.* has .* of .* free/);
  expect(limits).toMatchObject({
    state: "missing",
    detail: expect.stringMatching(/^the streams may take .*GiB, and NATS has .*iB for them/),
  });
  const { stdout } = spawnSync("bash", ["-c", `${limits?.fix}\nenv`], { encoding: "utf8" });
  for (const line of stdout.split("\n")) {
    const [, name, value] = /^(SIGHTLINE_\w+_MAX_BYTES)=(\d+)$/.exec(line) ?? [];
    if (name && value) vi.stubEnv(name, value);
  }
  expect((await checkStorage())[1]).toMatchObject({ state: "ok" });
});

test("a limit that is no number is told with its name", async () => {
  vi.stubEnv("SIGHTLINE_EVENTS_MAX_BYTES", "much");
  expect((await checkStorage())[1]).toMatchObject({
    state: "missing",
    detail: expect.stringContaining("SIGHTLINE_EVENTS_MAX_BYTES"),
  });
});

test("the disk of a NATS server elsewhere is not looked for here", async () => {
  vi.stubEnv("SIGHTLINE_NATS_STORE_DIR", "");
  vi.stubEnv("SIGHTLINE_NATS_URL", "nats://nats.invalid:4222");
  expect(await checkStorage()).toEqual([]);
});
