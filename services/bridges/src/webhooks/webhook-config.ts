import { EventPhase, EventType, enumValue, isCameraId } from "@sightline/contracts";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import type { WrongBridge } from "../wrong-bridge.ts";

const maxWebhooks = 100;
const maxNames = 1000;

const names = z.array(z.string().min(1).max(64)).max(maxNames).default([]);

/** The names of an enum's values, as in JSON. */
function words<T extends Record<string, number>>(values: T, what: string) {
  return z
    .array(z.string().max(64))
    .max(64)
    .default([])
    .transform((given, context) =>
      given.flatMap((word) => {
        const value = enumValue(values, word);
        if (value === undefined) context.addIssue(`there is no ${what} '${word}'`);
        return value ?? [];
      }),
    );
}

const webhookSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,53}$/, "expected 1 to 54 characters of a-z, 0-9 and '-'"),
  url: z.string().refine(isHttpUrl, "expected an http:// or https:// URL without user and password"),
  /** The newest first; each one makes a signature, so that a receiver can change to a new one at any time. */
  secrets: z
    .array(z.string().refine(isSecret, "expected 'whsec_' and 24 to 64 bytes in base64"))
    .min(1, "expected at least one")
    .max(4),
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "is not a header name"),
      z.string().regex(/^[\x20-\x7e]{0,4096}$/, "expected printable ASCII"),
    )
    .default({})
    .refine(
      (headers) => !Object.keys(headers).some((name) => reservedHeader.test(name)),
      "webhook-*, content-*, host, connection and transfer-encoding cannot be set",
    ),
  cameras: z.array(z.string().refine(isCameraId, "is not a camera id")).max(maxNames).default([]),
  types: words(EventType, "event type"),
  phases: words(EventPhase, "event phase"),
  classes: names,
  zones: names,
  rules: names,
  start: z.enum(["newest", "beginning"]).default("newest"),
  /** One message at a time, each until it is delivered or given up. */
  ordered: z.boolean().default(false),
  concurrency: z.int().min(1).max(64).default(4),
  timeoutSeconds: z.number().min(0.1).max(15).default(15),
  maxAttempts: z.int().min(1).max(100).default(15),
  firstDelaySeconds: z.number().min(0.05).max(60).default(1),
  maxDelaySeconds: z.number().min(0.05).max(3600).default(600),
});

/** One endpoint, and which events it gets. */
export type WebhookConfig = z.infer<typeof webhookSchema>;

const reservedHeader = /^(webhook-.*|content-.*|host|connection|transfer-encoding)$/i;

/** Reads the list of endpoints. Adds unusable ones to `wrong`, without values, because some are secret. */
export function readWebhooks(value: unknown, wrong: WrongBridge[]): WebhookConfig[] {
  const name = "SIGHTLINE_WEBHOOKS";
  const none = (fault: string) => {
    wrong.push({ bridge: "webhooks", faults: [`${name}: ${fault}`] });
    return [];
  };
  let given = value ?? [];
  if (typeof given === "string")
    try {
      given = parseYaml(given) ?? [];
    } catch {
      return none("is neither JSON nor YAML");
    }
  if (!Array.isArray(given)) return none("expected a list of endpoints");
  if (given.length > maxWebhooks) return none(`has ${given.length} endpoints; the most is ${maxWebhooks}`);
  const webhooks = new Map<string, WebhookConfig>();
  for (const [index, entry] of given.entries()) {
    const read = webhookSchema.safeParse(entry, { error: sayMissing });
    const faults = read.success
      ? webhooks.has(read.data.name)
        ? [`${name}[${index}].name: an endpoint before it is named '${read.data.name}', too`]
        : []
      : read.error.issues.map(
          ({ path, message }) => `${name}${z.core.toDotPath([index, ...path])}: ${message}`,
        );
    if (faults.length > 0) wrong.push({ bridge: wrongName(entry, index, webhooks), faults });
    else if (read.success) webhooks.set(read.data.name, read.data);
  }
  return [...webhooks.values()];
}

/** A setting that is absent or has no value is missing, whatever type it should have. */
const sayMissing: z.core.$ZodErrorMap = ({ code, input }) =>
  (code === "invalid_type" || code === "invalid_value") && (input ?? undefined) === undefined
    ? "is missing"
    : undefined;

/** The name of a wrong endpoint: the name it will have when corrected, if that is known and unique. */
function wrongName(entry: unknown, index: number, others: ReadonlyMap<string, WebhookConfig>): string {
  const own = z.object({ name: webhookSchema.shape.name }).safeParse(entry);
  return own.success && !others.has(own.data.name) ? subscriptionOf(own.data) : `webhooks[${index}]`;
}

/** Id of the named subscription of an endpoint. */
export function subscriptionOf({ name }: Pick<WebhookConfig, "name">): string {
  return `webhook-${name}`;
}

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  return (
    (url?.protocol === "http:" || url?.protocol === "https:") && url.username === "" && url.password === ""
  );
}

function isSecret(text: string): boolean {
  const base64 = text.startsWith("whsec_") ? text.slice("whsec_".length) : "";
  const { byteLength } = Buffer.from(base64, "base64");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) && byteLength >= 24 && byteLength <= 64;
}
