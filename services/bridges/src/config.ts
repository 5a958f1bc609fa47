import { ConfigError, commonSettings, loadConfig, setting } from "@sightline/service";
import { z } from "zod";
import { type MqttConfig, readMqttConfig } from "./mqtt/mqtt-config.ts";
import { readWebhooks, type WebhookConfig } from "./webhooks/webhook-config.ts";

/** A setting that may hold a secret: it is checked apart, because a wrong value must not be shown. */
const unshown = z.unknown();

/** Settings of the bridges. */
const settings = {
  logLevel: commonSettings.logLevel,
  grpcAddress: {
    env: "SIGHTLINE_GRPC_ADDRESS",
    schema: setting.text("127.0.0.1:50051"),
    help: "HOST:PORT of the results service's gRPC API",
  },
  http: {
    env: "SIGHTLINE_BRIDGES_HTTP",
    schema: setting.listen("127.0.0.1:9103"),
    help: "HOST:PORT of metrics and health",
  },
  mqttUrl: {
    env: "SIGHTLINE_MQTT_URL",
    schema: unshown,
    help: "broker to publish to: mqtt://HOST:PORT or mqtts://HOST:PORT; no MQTT unless given",
  },
  mqttUser: { env: "SIGHTLINE_MQTT_USER", schema: unshown, help: "user at the broker" },
  mqttPassword: { env: "SIGHTLINE_MQTT_PASSWORD", schema: unshown, help: "password at the broker" },
  mqttCa: {
    env: "SIGHTLINE_MQTT_CA",
    schema: setting.optionalText(),
    help: "PEM file of the authorities that a broker's certificate is checked against, instead of the system's",
  },
  mqttPrefix: {
    env: "SIGHTLINE_MQTT_PREFIX",
    schema: z
      .string()
      .regex(/^[^/+#$\s\0]([^+#\s\0]{0,126}[^/+#\s\0])?$/, "expected a topic without '+', '#' and spaces")
      .default("frigate"),
    help: "first part of every topic",
  },
  mqttDiscovery: {
    env: "SIGHTLINE_MQTT_DISCOVERY",
    schema: setting.choice(["on", "off"], "on"),
    help: "whether Home Assistant is told of cameras, zones and classes: on or off",
  },
  mqttDiscoveryPrefix: {
    env: "SIGHTLINE_MQTT_DISCOVERY_PREFIX",
    schema: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, "expected letters, digits, '_' and '-'")
      .default("homeassistant"),
    help: "first part of the topics that Home Assistant's discovery reads",
  },
  mqttSnapshots: {
    env: "SIGHTLINE_MQTT_SNAPSHOTS",
    schema: setting.choice(["on", "off"], "on"),
    help: "whether pictures of events are published: on or off",
  },
  mqttSubscription: {
    env: "SIGHTLINE_MQTT_SUBSCRIPTION",
    schema: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "expected 1 to 63 characters of a-z, 0-9 and '-'")
      .default("mqtt"),
    help: "named subscription that events are read from; also names the client at the broker",
  },
  webhooks: {
    env: "SIGHTLINE_WEBHOOKS",
    schema: unshown,
    help: "endpoints to post events to: a list, as JSON or YAML",
  },
} as const;

/** What the bridges need to know. */
export interface BridgesConfig {
  logLevel: string;
  grpcAddress: string;
  http: string;
  mqtt: MqttConfig | undefined;
  webhooks: readonly WebhookConfig[];
}

/**
 * Reads the settings, from the environment and the file that SIGHTLINE_CONFIG names.
 * @throws ConfigError naming each setting that is wrong, without the values of those that may be secret; also when there
 * is nothing to bridge to
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): BridgesConfig {
  const { logLevel, grpcAddress, http, ...rest } = loadConfig(settings, env);
  const faults: string[] = [];
  const mqtt = readMqttConfig(rest, faults);
  const webhooks = readWebhooks(rest.webhooks, faults);
  if (faults.length === 0 && mqtt === undefined && webhooks.length === 0)
    faults.push(
      `neither ${settings.mqttUrl.env} (${settings.mqttUrl.help}) nor ${settings.webhooks.env} (${settings.webhooks.help}) is set`,
    );
  if (faults.length > 0) throw new ConfigError(faults);
  return { logLevel, grpcAddress, http, mqtt, webhooks };
}
