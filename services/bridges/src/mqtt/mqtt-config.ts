import { readFileSync } from "node:fs";

/** Where and how to publish over MQTT. */
export interface MqttConfig {
  /** Without user and password. */
  url: string;
  /** What of the URL may be shown: a path or query of a WebSocket may hold a token. */
  shown: string;
  user: string | undefined;
  password: string | undefined;
  /** PEM of the authorities to trust instead of the system's. */
  ca: string | undefined;
  prefix: string;
  /** First part of Home Assistant's discovery topics; undefined when it is not to be told of anything. */
  discoveryPrefix: string | undefined;
  snapshots: boolean;
  /** Id of the named subscription. */
  subscription: string;
}

/** The settings as loaded. */
export interface MqttSettings {
  mqttUrl?: unknown;
  mqttUser?: unknown;
  mqttPassword?: unknown;
  mqttCa?: string | undefined;
  mqttPrefix: string;
  mqttDiscovery: "on" | "off";
  mqttDiscoveryPrefix: string;
  mqttSnapshots: "on" | "off";
  mqttSubscription: string;
}

const schemes = new Set(["mqtt:", "mqtts:", "ws:", "wss:"]);
const longestSecret = 65_535;

/** Puts the settings together; undefined when there is no broker. Adds to `faults` what is wrong, without values. */
export function readMqttConfig(settings: MqttSettings, faults: string[]): MqttConfig | undefined {
  if (settings.mqttUrl === undefined) return undefined;
  const url = typeof settings.mqttUrl === "string" ? URL.parse(settings.mqttUrl) : null;
  if (!url?.hostname || !schemes.has(url.protocol)) {
    faults.push(
      "SIGHTLINE_MQTT_URL: expected mqtt://HOST:PORT, mqtts://HOST:PORT, ws://HOST:PORT/PATH or wss://HOST:PORT/PATH",
    );
    return undefined;
  }
  const inUrl = (part: string, name: string) => {
    try {
      return part === "" ? undefined : decodeURIComponent(part);
    } catch {
      faults.push(`SIGHTLINE_MQTT_URL: the ${name} in it is not well encoded; write % as %25`);
      return undefined;
    }
  };
  const user = readSecret(settings.mqttUser, "SIGHTLINE_MQTT_USER", faults) ?? inUrl(url.username, "user");
  const password =
    readSecret(settings.mqttPassword, "SIGHTLINE_MQTT_PASSWORD", faults) ?? inUrl(url.password, "password");
  url.username = "";
  url.password = "";
  return {
    url: url.href,
    shown: `${url.protocol}//${url.host}`,
    user,
    password,
    ca: readCa(settings.mqttCa, faults),
    prefix: settings.mqttPrefix,
    discoveryPrefix: settings.mqttDiscovery === "on" ? settings.mqttDiscoveryPrefix : undefined,
    snapshots: settings.mqttSnapshots === "on",
    subscription: settings.mqttSubscription,
  };
}

function readSecret(value: unknown, name: string, faults: string[]): string | undefined {
  if (value === undefined) return undefined;
  // A password of digits is a number in YAML.
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text === "string" && text.length > 0 && text.length <= longestSecret) return text;
  faults.push(`${name}: expected text`);
  return undefined;
}

function readCa(path: string | undefined, faults: string[]): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    faults.push(`SIGHTLINE_MQTT_CA="${path}": cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}
