import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { commonSettings, loadConfig, replicasSetting, setting } from "./config.ts";
import { ConfigError } from "./errors.ts";
import { settingNames, unknownSettings } from "./setting-names.ts";

const settings = {
  ...commonSettings,
  batch: { env: "SIGHTLINE_BATCH", schema: setting.integer(4, 1, 64), help: "frames in a batch" },
  model: { env: "SIGHTLINE_MODEL", schema: setting.text(), help: "model to serve" },
};

function configFile(text: string | Uint8Array): string {
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

test("what is left empty is not set, and only numbers are numbers", () => {
  const batchOf = (text: string) =>
    loadConfig(settings, { SIGHTLINE_CONFIG: configFile(text), SIGHTLINE_MODEL: "m" }).batch;
  for (const empty of ["batch:", "batch: ''", "batch: ' '"]) expect(batchOf(empty)).toBe(4);
  expect(loadConfig(settings, { SIGHTLINE_BATCH: " ", SIGHTLINE_MODEL: "m" }).batch).toBe(4);
  expect(batchOf("batch: 5")).toBe(5);
  expect(loadConfig(settings, { SIGHTLINE_BATCH: "6 ", SIGHTLINE_MODEL: "m" }).batch).toBe(6);
  for (const wrong of ["batch: true", "batch: [8]", "batch: '0x8'", "batch: .nan", "batch: eight"])
    expect(() => batchOf(wrong), wrong).toThrow(/batch in .*: expected a number|expected a whole number/);
});

test("an address that nothing can have is a fault, and its password is not shown", () => {
  const addresses = {
    natsUrl: commonSettings.natsUrl,
    http: { env: "SIGHTLINE_HTTP", schema: setting.listen("127.0.0.1:1"), help: "address" },
    traces: { env: "TRACES", schema: setting.optionalHttpUrl(), help: "collector" },
  };
  const of = (env: NodeJS.ProcessEnv) => () => loadConfig(addresses, env);
  const several = "nats://a.lan:1, tls://user:sesame@b.lan,[::1]:2,c.lan";
  expect(of({ SIGHTLINE_NATS_URL: several })().natsUrl).toBe(several);
  for (const wrong of ["ftp://x", "nats://u:sesame@x:99999", "nats://a b", "nats://", "::", "a,,b"]) {
    expect(of({ SIGHTLINE_NATS_URL: wrong }), wrong).toThrow(/SIGHTLINE_NATS_URL = .*: expected nats:/);
    expect(of({ SIGHTLINE_NATS_URL: wrong }), wrong).not.toThrow(/sesame/);
  }
  expect(of({ SIGHTLINE_HTTP: "x:99999" })).toThrow(/expected a port up to 65535/);
  expect(of({ TRACES: "127.0.0.1:4318" })).toThrow(/expected http:/);
});

test("a file that is missing or not a map is a fault that names it", () => {
  expect(() => loadConfig(settings, { SIGHTLINE_CONFIG: "/no/such/file", SIGHTLINE_MODEL: "m" })).toThrow(
    /\/no\/such\/file/,
  );
  expect(() => loadConfig(settings, { SIGHTLINE_CONFIG: configFile("- a\n"), SIGHTLINE_MODEL: "m" })).toThrow(
    /not a map/,
  );
});

test("a file that two readers could take for two things is refused", () => {
  const env = (text: string | Uint8Array) => ({ SIGHTLINE_CONFIG: configFile(text), SIGHTLINE_MODEL: "m" });
  expect(() => loadConfig(settings, env("batch: 8\nbatch: 9\n"))).toThrow(/unique/);
  expect(() => loadConfig(settings, env('{"batch": 8, "batch": 9}'))).toThrow(/unique/);
  expect(() => loadConfig(settings, env(Buffer.from("model: caf\xe9\n", "latin1")))).toThrow(/not UTF-8/);
});

test("what no service has is told, with the name that it is most like", () => {
  const path = configFile("batchSzie: 8\nnatsUrl: nats://a\nparty: yes\n");
  const env = {
    SIGHTLINE_CONFIG: path,
    SIGHTLINE_NATS_ULR: "nats://secret@b",
    SIGHTLINE_PARTY: "1",
    SIGHTLINE_MODEL: "m",
    SIGHTLINE_MQTT_URL: "mqtt://b",
    PATH: "/bin",
  };
  const nothing = "is not a setting of any service, so it does nothing";
  expect(unknownSettings(env)).toEqual([
    `SIGHTLINE_NATS_ULR ${nothing}; did you mean SIGHTLINE_NATS_URL?`,
    `SIGHTLINE_PARTY ${nothing}`,
    `batchSzie in ${path} ${nothing}; did you mean batchSize?`,
    `party in ${path} ${nothing}`,
  ]);
});

test("the names of all services' settings are known", () => {
  const root = join(import.meta.dirname, "../../..");
  const sources = globSync(["packages/service/src/*.ts", "services/*/src/**/*.ts"], { cwd: root })
    .filter((file) => !file.includes(".test."))
    .map((file) => readFileSync(join(root, file), "utf8"));
  const found = sources.flatMap((text) =>
    [...text.matchAll(/(\w+?)(?:: |Setting = )\{\s*env: "(\w+)"/g)].map(([, key, env]) => [env, key]),
  );
  expect(found.length).toBeGreaterThan(40);
  expect(settingNames).toMatchObject(Object.fromEntries(found));
});

test("streams have 1, 3 or 5 copies", () => {
  const replicas = (value: string) =>
    loadConfig({ replicas: replicasSetting }, { SIGHTLINE_NATS_REPLICAS: value });
  expect(replicas("3")).toEqual({ replicas: 3 });
  expect(() => replicas("2")).toThrow(/SIGHTLINE_NATS_REPLICAS = "2": expected 1, 3 or 5/);
});
