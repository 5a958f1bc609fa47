import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventType } from "@sightline/contracts";
import { ConfigError } from "@sightline/service";
import { afterAll, expect, test } from "vitest";
import { readConfig } from "./config.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-bridges-"));
afterAll(() => rmSync(directory, { recursive: true }));

const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const webhook = { name: "a", url: "https://hooks.example/x", secrets: [secret] };

function faultsOf(env: NodeJS.ProcessEnv): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

const hooks = (...webhooks: unknown[]) => ({ SIGHTLINE_WEBHOOKS: JSON.stringify(webhooks) });

test("there has to be something to bridge to", () => {
  expect(faultsOf({})).toContain("neither SIGHTLINE_MQTT_URL");
});

test("a broker's URL gives user and password, unless they are set apart, and is kept without them", () => {
  const url = "mqtts://ha:p%40ss@broker.example:8883";
  expect(readConfig({ SIGHTLINE_MQTT_URL: url }).mqtt).toEqual({
    url: "mqtts://broker.example:8883",
    shown: "mqtts://broker.example:8883",
    user: "ha",
    password: "p@ss",
    ca: undefined,
    prefix: "frigate",
    discoveryPrefix: "homeassistant",
    alertClasses: ["person", "car"],
    snapshots: true,
    subscription: "mqtt",
  });
  const env = { SIGHTLINE_MQTT_URL: url, SIGHTLINE_MQTT_PASSWORD: "other", SIGHTLINE_MQTT_DISCOVERY: "off" };
  expect(readConfig(env).mqtt).toMatchObject({ user: "ha", password: "other", discoveryPrefix: undefined });
});

test("a token in the URL of a WebSocket is sent, and not shown", () => {
  const { mqtt } = readConfig({ SIGHTLINE_MQTT_URL: "wss://broker.example/mqtt?token=sesame" });
  expect(mqtt).toMatchObject({
    url: "wss://broker.example/mqtt?token=sesame",
    shown: "wss://broker.example",
  });
});

test("settings may come from a YAML file", () => {
  const file = join(directory, "bridges.yaml");
  const lines = ["mqttUrl: mqtt://10.0.0.2", "mqttPassword: 1234", "webhooks:", "  - name: a"];
  writeFileSync(
    file,
    [...lines, "    url: http://10.0.0.3/x", `    secrets: ["${secret}"]`, "    types: [crossed_line]"].join(
      "\n",
    ),
  );
  const config = readConfig({ SIGHTLINE_CONFIG: file });
  expect(config.mqtt).toMatchObject({ url: "mqtt://10.0.0.2", password: "1234" });
  expect(config.webhooks).toMatchObject([
    { name: "a", types: [EventType.CROSSED_LINE], ordered: false, maxAttempts: 15 },
  ]);
});

test.each([
  [{ SIGHTLINE_MQTT_URL: "http://sesame@x" }, "SIGHTLINE_MQTT_URL: expected mqtt://"],
  [{ SIGHTLINE_MQTT_URL: "mqtt://u:%sesame@x" }, "the password in it is not well encoded"],
  [{ SIGHTLINE_MQTT_URL: "mqtt://x", SIGHTLINE_MQTT_CA: "/nowhere.pem" }, "cannot be read (ENOENT)"],
  [{ SIGHTLINE_MQTT_URL: "mqtt://x", SIGHTLINE_MQTT_PREFIX: "a/#" }, "expected a topic"],
  [{ SIGHTLINE_WEBHOOKS: "[sesame" }, "is neither JSON nor YAML"],
  [{ SIGHTLINE_WEBHOOKS: "sesame" }, "expected a list of endpoints"],
  [
    { SIGHTLINE_MQTT_PASSWORD: "sesame" },
    "SIGHTLINE_MQTT_URL: is missing, but SIGHTLINE_MQTT_PASSWORD is set",
  ],
  [
    { SIGHTLINE_MQTT_URL: "mqtt://x", SIGHTLINE_MQTT_SNAPSHOTS: "sesame" },
    "SIGHTLINE_MQTT_SNAPSHOTS: expected one of on, off",
  ],
  [{ SIGHTLINE_MQTT_URL: "mqtt://x", SIGHTLINE_MQTT_ALERT_CLASSES: "person,," }, "expected names of classes"],
  [hooks({ ...webhook, url: undefined }), "SIGHTLINE_WEBHOOKS[0].url: is missing"],
  [{ SIGHTLINE_WEBHOOKS: "- name: a\n  url:\n  secrets:" }, "SIGHTLINE_WEBHOOKS[0].url: is missing"],
  [{ SIGHTLINE_WEBHOOKS: "- name: a\n  url:\n  secrets:" }, "SIGHTLINE_WEBHOOKS[0].secrets: is missing"],
  [hooks({ ...webhook, name: undefined }), "SIGHTLINE_WEBHOOKS[0].name: is missing"],
  [hooks({ ...webhook, url: "https://sesame@x" }), "without user and password"],
  [hooks({ ...webhook, url: "ftp://x" }), "expected an http://"],
  [hooks({ ...webhook, secrets: [] }), "expected at least one"],
  [hooks({ ...webhook, secrets: ["sesame"] }), "SIGHTLINE_WEBHOOKS[0].secrets[0]: expected 'whsec_'"],
  [hooks({ ...webhook, types: ["entered"] }), "there is no event type 'entered'"],
  [hooks({ ...webhook, phases: ["unspecified"] }), "there is no event phase 'unspecified'"],
  [hooks({ ...webhook, cameras: ["Front"] }), "is not a camera id"],
  [hooks({ ...webhook, headers: { "Webhook-Id": "x" } }), "cannot be set"],
  [hooks({ ...webhook, headers: { authorization: "sesame\n" } }), "expected printable ASCII"],
  [hooks({ ...webhook, tries: 3 }), "Unrecognized key"],
])("%j is refused, without showing what may be secret", (env, text) => {
  const faults = faultsOf(env);
  expect(faults).toContain(text);
  expect(faults).not.toContain("sesame");
});

test("what is wrong with one bridge stops no other", () => {
  const env = {
    SIGHTLINE_MQTT_URL: "mqtt://x",
    SIGHTLINE_MQTT_PREFIX: "a/#",
    ...hooks({ ...webhook, name: "b", url: undefined }, webhook, webhook, "sesame"),
  };
  const { mqtt, webhooks, wrong } = readConfig(env);
  expect(mqtt).toBeUndefined();
  expect(webhooks.map(({ name }) => name)).toEqual(["a"]);
  expect(wrong).toMatchObject([
    { bridge: "mqtt", faults: [expect.stringContaining("SIGHTLINE_MQTT_PREFIX: expected a topic")] },
    { bridge: "webhook-b", faults: ["SIGHTLINE_WEBHOOKS[0].url: is missing"] },
    {
      bridge: "webhooks[2]",
      faults: ["SIGHTLINE_WEBHOOKS[2].name: an endpoint before it is named 'a', too"],
    },
    { bridge: "webhooks[3]" },
  ]);
});
