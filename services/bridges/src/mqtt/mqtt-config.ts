import { readFileSync } from "node:fs";
import { setting } from "@sightline/service";
import { z } from "zod";
import type { WrongBridge } from "../wrong-bridge.ts";

/** Where and how to publish over MQTT. */
export interface MqttConfig {
  /** Without user and password. */
  url: string;
  /** The part of the URL that may be shown: a path or query of a WebSocket may contain a token. */
  shown: string;
  user: string | undefined;
  password: string | undefined;
  /** PEM of the certificate authorities to trust instead of the system's. */
  ca: string | undefined;
  prefix: string;
  /** First part of Home Assistant's discovery topics; undefined when nothing should be announced. */
  discoveryPrefix: string | undefined;
  snapshots: boolean;
  /** Classes whose objects are alerts everywhere. */
  alertClasses: string[];
  /** Id of the named subscription. */
  subscription: string;
}

/** The settings as loaded, before they are checked. */
export interface MqttSettings {
  mqttUrl?: unknown;
  mqttUser?: unknown;
  mqttPassword?: unknown;
  mqttCa?: unknown;
  mqttPrefix?: unknown;
  mqttDiscovery?: unknown;
  mqttDiscoveryPrefix?: unknown;
  mqttSnapshots?: unknown;
  mqttAlertClasses?: unknown;
  mqttSubscription?: unknown;
}

const schemes = new Set(["mqtt:", "mqtts:", "ws:", "wss:"]);
const longestSecret = 65_535;
const standardSubscription = "mqtt";

const plain = {
  SIGHTLINE_MQTT_CA: z.string("expected the path of a PEM file").min(1).optional(),
  SIGHTLINE_MQTT_PREFIX: z
    .string()
    .regex(/^[^/+#$\s\0]([^+#\s\0]{0,126}[^/+#\s\0])?$/, "expected a topic without '+', '#' and spaces")
    .default("frigate"),
  SIGHTLINE_MQTT_DISCOVERY: setting.choice(["on", "off"], "on"),
  SIGHTLINE_MQTT_DISCOVERY_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "expected letters, digits, '_' and '-'")
    .default("homeassistant"),
  SIGHTLINE_MQTT_SNAPSHOTS: setting.choice(["on", "off"], "on"),
  SIGHTLINE_MQTT_ALERT_CLASSES: z
    .string("expected names of classes, separated by commas, or 'none'")
    .default("person,car")
    .transform((text) => (text.trim() === "none" ? [] : text.split(",").map((name) => name.trim())))
    .refine(
      (names) => names.every((name) => name !== ""),
      "expected names of classes, separated by commas, or 'none'",
    ),
  SIGHTLINE_MQTT_SUBSCRIPTION: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "expected 1 to 63 characters of a-z, 0-9 and '-'")
    .default(standardSubscription),
};

/**
 * Combines the settings; undefined when there is no broker or when the settings are wrong. Wrong settings are added to
 * `wrong` without values.
 */
export function readMqttConfig(settings: MqttSettings, wrong: WrongBridge[]): MqttConfig | undefined {
  const faults: string[] = [];
  const config = settings.mqttUrl === undefined ? withoutUrl(settings, faults) : read(settings, faults);
  if (faults.length === 0) return config;
  wrong.push({ bridge: config?.subscription ?? standardSubscription, faults });
  return undefined;
}

/** If a user is set, a broker is expected. */
function withoutUrl({ mqttUser, mqttPassword, mqttCa }: MqttSettings, faults: string[]): undefined {
  const given = { USER: mqttUser, PASSWORD: mqttPassword, CA: mqttCa };
  const name = Object.entries(given).find(([, value]) => value !== undefined)?.[0];
  if (name !== undefined) faults.push(`SIGHTLINE_MQTT_URL: is missing, but SIGHTLINE_MQTT_${name} is set`);
}

function read(settings: MqttSettings, faults: string[]): MqttConfig | undefined {
  const values = {
    SIGHTLINE_MQTT_CA: settings.mqttCa,
    SIGHTLINE_MQTT_PREFIX: settings.mqttPrefix,
    SIGHTLINE_MQTT_DISCOVERY: settings.mqttDiscovery,
    SIGHTLINE_MQTT_DISCOVERY_PREFIX: settings.mqttDiscoveryPrefix,
    SIGHTLINE_MQTT_SNAPSHOTS: settings.mqttSnapshots,
    SIGHTLINE_MQTT_ALERT_CLASSES: settings.mqttAlertClasses,
    SIGHTLINE_MQTT_SUBSCRIPTION: settings.mqttSubscription,
  };
  const checked = z.object(plain).safeParse(values);
  if (!checked.success)
    for (const { path, message } of checked.error.issues) faults.push(`${path.join(".")}: ${message}`);
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
  if (!checked.success) return undefined;
  const { data } = checked;
  return {
    url: url.href,
    shown: `${url.protocol}//${url.host}`,
    user,
    password,
    ca: readCa(data.SIGHTLINE_MQTT_CA, faults),
    prefix: data.SIGHTLINE_MQTT_PREFIX,
    discoveryPrefix:
      data.SIGHTLINE_MQTT_DISCOVERY === "on" ? data.SIGHTLINE_MQTT_DISCOVERY_PREFIX : undefined,
    snapshots: data.SIGHTLINE_MQTT_SNAPSHOTS === "on",
    alertClasses: data.SIGHTLINE_MQTT_ALERT_CLASSES,
    subscription: data.SIGHTLINE_MQTT_SUBSCRIPTION,
  };
}

function readSecret(value: unknown, name: string, faults: string[]): string | undefined {
  if (value === undefined) return undefined;
  // YAML reads a password of digits as a number.
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
