import { availableParallelism } from "node:os";
import { ConfigError, loadConfig } from "@sightline/service";
import { expect, test } from "vitest";
import { settings } from "./config.ts";

test("has a default for everything", () => {
  expect(loadConfig(settings, {})).toMatchObject({
    http: "127.0.0.1:9102",
    model: "yolo-nas-pedestrians",
    executionProvider: "auto",
    precision: "auto",
    models: "",
    batchSize: "auto",
    maxAgeMs: 1_000,
    threads: availableParallelism(),
  });
});

test("takes a batch size in numbers", () => {
  expect(loadConfig(settings, { SIGHTLINE_BATCH_SIZE: "4" }).batchSize).toBe(4);
});

test.each([
  ["SIGHTLINE_BATCH_SIZE", "many", /expected auto or a whole number from 1 to 64/],
  ["SIGHTLINE_BATCH_SIZE", "0", /expected auto or a whole number from 1 to 64/],
  ["SIGHTLINE_MODEL", "../secret", /letters, digits/],
  ["SIGHTLINE_MODELS", "a,../b", /names of models with commas/],
  ["SIGHTLINE_EXECUTION_PROVIDER", "rocm", /expected one of auto, tensorrt, cuda, cpu/],
  ["SIGHTLINE_MAX_AGE_MS", "-5", /expected at least 10/],
  ["SIGHTLINE_THREADS", "two", /expected a number/],
  ["SIGHTLINE_INFERENCE_HTTP", "9102", /expected HOST:PORT/],
])("refuses %s=%s", (name, value, message) => {
  const attempt = () => loadConfig(settings, { [name]: value });
  expect(attempt).toThrow(ConfigError);
  expect(attempt).toThrow(message);
  expect(attempt).toThrow(`${name} = "${value}"`);
});
