import { readTlsFiles, type TlsOptions } from "@sightline/client";
import {
  type Config,
  ConfigError,
  commonSettings,
  loadConfig,
  setting,
  tlsClientSettings,
  tokenFromFile,
} from "@sightline/service";
import { z } from "zod";
import { type MqttConfig, readMqttConfig } from "./mqtt/mqtt-config.ts";
import { readWebhooks, type WebhookConfig } from "./webhooks/webhook-config.ts";
import type { WrongBridge } from "./wrong-bridge.ts";

/**
 * A setting of one bridge. It is checked separately: a wrong setting stops only that bridge, and its value, which may be
 * secret, is not shown.
 */
const unchecked = z.unknown();

/** Settings of the bridges. */
const settings = {
  logLevel: commonSettings.logLevel,
  grpcAddress: {
    env: "SIGHTLINE_GRPC_ADDRESS",
    schema: setting.text("127.0.0.1:50051"),
    help: "HOST:PORT of the results service's gRPC API; https://HOST:PORT where it speaks TLS",
  },
  ...tlsClientSettings,
  bridgesTokenFile: {
    env: "SIGHTLINE_BRIDGES_TOKEN_FILE",
    schema: setting.optionalText(),
    help: "file with the token by which bridges call; the same for both",
  },
  http: {
    env: "SIGHTLINE_BRIDGES_HTTP",
    schema: setting.listen("127.0.0.1:9103"),
    help: "HOST:PORT of metrics and health",
  },
  mqttUrl: {
    env: "SIGHTLINE_MQTT_URL",
    schema: unchecked,
    help: "broker to publish to: mqtt://HOST:PORT or mqtts://HOST:PORT; no MQTT unless given",
  },
  mqttUser: { env: "SIGHTLINE_MQTT_USER", schema: unchecked, help: "user at the broker" },
  mqttPassword: { env: "SIGHTLINE_MQTT_PASSWORD", schema: unchecked, help: "password at the broker" },
  mqttCa: {
    env: "SIGHTLINE_MQTT_CA",
    schema: unchecked,
    help: "PEM file of the authorities that a broker's certificate is checked against, instead of the system's",
  },
  mqttPrefix: { env: "SIGHTLINE_MQTT_PREFIX", schema: unchecked, help: "first part of every topic" },
  mqttDiscovery: {
    env: "SIGHTLINE_MQTT_DISCOVERY",
    schema: unchecked,
    help: "whether Home Assistant is told of cameras, zones and classes: on or off",
  },
  mqttDiscoveryPrefix: {
    env: "SIGHTLINE_MQTT_DISCOVERY_PREFIX",
    schema: unchecked,
    help: "first part of the topics that Home Assistant's discovery reads",
  },
  mqttSnapshots: {
    env: "SIGHTLINE_MQTT_SNAPSHOTS",
    schema: unchecked,
    help: "whether pictures of events are published: on or off",
  },
  mqttAlertClasses: {
    env: "SIGHTLINE_MQTT_ALERT_CLASSES",
    schema: unchecked,
    help: "classes whose objects are alerts on `reviews`, wherever they are, separated by commas, or none",
  },
  mqttSubscription: {
    env: "SIGHTLINE_MQTT_SUBSCRIPTION",
    schema: unchecked,
    help: "named subscription that events are read from; also names the client at the broker",
  },
  webhooks: {
    env: "SIGHTLINE_WEBHOOKS",
    schema: unchecked,
    help: "endpoints to post events to: a list, as JSON or YAML",
  },
} as const;

/** The checked settings of all bridges. */
export interface BridgesConfig {
  logLevel: string;
  grpcAddress: string;
  /**
   * Trust in the results service, and this client's own certificate; undefined where results uses plain text or has a
   * public certificate.
   */
  tls: TlsOptions | undefined;
  /** The token for calls; undefined where results has no users. */
  token: (() => string) | undefined;
  http: string;
  mqtt: MqttConfig | undefined;
  webhooks: readonly WebhookConfig[];
  /** Bridges that cannot run; the others do. */
  wrong: readonly WrongBridge[];
}

/**
 * Reads the settings from the environment and the file that SIGHTLINE_CONFIG names.
 * @throws ConfigError when no bridge can run, also when none is configured. It names each wrong setting, without values
 *   that may be secret
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): BridgesConfig {
  const config = loadConfig(settings, env);
  const { logLevel, grpcAddress, http, ...rest } = config;
  const wrong: WrongBridge[] = [];
  const mqtt = readMqttConfig(rest, wrong);
  const webhooks = readWebhooks(rest.webhooks, wrong);
  if (mqtt === undefined && webhooks.length === 0)
    throw new ConfigError(
      wrong.length > 0
        ? wrong.flatMap(({ faults }) => faults)
        : [
            `neither ${settings.mqttUrl.env} (${settings.mqttUrl.help}) nor ${settings.webhooks.env} (${settings.webhooks.help}) is set`,
          ],
    );
  const token = config.bridgesTokenFile === undefined ? undefined : tokenFromFile(config.bridgesTokenFile);
  return { logLevel, grpcAddress, tls: tlsOf(config), token, http, mqtt, webhooks, wrong };
}

/** @throws ConfigError when a certificate file cannot be read, or half of a pair is missing */
function tlsOf(config: Config<typeof tlsClientSettings>): TlsOptions | undefined {
  const { tlsCaFile: ca, tlsClientCertFile: cert, tlsClientKeyFile: key, tlsServerName: serverName } = config;
  try {
    return readTlsFiles({ ca, cert, key, serverName });
  } catch (error) {
    throw new ConfigError([`SIGHTLINE_TLS_*: ${(error as Error).message}`], { cause: error });
  }
}
