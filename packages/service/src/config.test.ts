import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ConfigError, commonSettings, loadConfig, replicasSetting, setting } from "./config.ts";

const settings = {
  ...commonSettings,
  batch: { env: "SIGHTLINE_BATCH", schema: setting.integer(4, 1, 64), help: "frames in a batch" },
  model: { env: "SIGHTLINE_MODEL", schema: setting.text(), help: "model to serve" },
};

function configFile(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "sightline-config-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "sightline.yaml");
  writeFileSync(path, text);
  return path;
}

test("environment beats file beats default", () => {
  const path = configFile("batch: 8\nmodel: from-file\n");
  expect(loadConfig(settings, { SIGHTLINE_CONFIG: path, SIGHTLINE_MODEL: "from-env" })).toEqual({
    natsUrl: "nats://127.0.0.1:4222",
    logLevel: "info",
    batch: 8,
    model: "from-env",
  });
});

test("names every wrong setting with its value and what is allowed", () => {
  const attempt = () => loadConfig(settings, { SIGHTLINE_BATCH: "0", SIGHTLINE_LOG_LEVEL: "loud" });
  expect(attempt).toThrow(ConfigError);
  expect(attempt).toThrow(/SIGHTLINE_BATCH = "0": expected at least 1/);
  expect(attempt).toThrow(/SIGHTLINE_LOG_LEVEL = "loud": expected one of debug, info, warn, error/);
  expect(attempt).toThrow(/SIGHTLINE_MODEL is not set/);
});

test("a file that is missing or not a map is a fault that names it", () => {
  expect(() => loadConfig(settings, { SIGHTLINE_CONFIG: "/no/such/file", SIGHTLINE_MODEL: "m" })).toThrow(
    /\/no\/such\/file/,
  );
  expect(() => loadConfig(settings, { SIGHTLINE_CONFIG: configFile("- a\n"), SIGHTLINE_MODEL: "m" })).toThrow(
    /not a map/,
  );
});

test("streams have 1, 3 or 5 copies", () => {
  const replicas = (value: string) =>
    loadConfig({ replicas: replicasSetting }, { SIGHTLINE_NATS_REPLICAS: value });
  expect(replicas("3")).toEqual({ replicas: 3 });
  expect(() => replicas("2")).toThrow(/SIGHTLINE_NATS_REPLICAS = "2": expected 1, 3 or 5/);
});
