import { createHmac } from "node:crypto";
import type { Event } from "@sightline/contracts";
import { toHttpEvent } from "@sightline/contracts/api";
import type { WebhookConfig } from "./webhook-config.ts";

/** The result of an attempt. */
export type Attempt =
  | { kind: "delivered" }
  /** Another attempt may succeed; not before `retryAfterSeconds`, if the receiver gave that. */
  | { kind: "failed"; reason: string; retryAfterSeconds: number }
  /** Another attempt would not succeed either. */
  | { kind: "refused"; reason: string }
  /** The endpoint wants no more messages at all. */
  | { kind: "gone"; reason: string }
  /** It was aborted here. */
  | { kind: "aborted" };

/** The answer's content is not needed; at most this much of it is read to keep the connection. */
const mostAnswerBytes = 64 * 1024;
const longestRetryAfterSeconds = 3600;
/** 4xx statuses that are temporary. */
const passing = new Set([408, 425, 429]);

/** Posts a message once. Redirects are not followed. `signal` aborts it. Never throws. */
export async function post(
  { url, secrets, headers, timeoutSeconds }: WebhookConfig,
  { id, body }: WebhookMessage,
  signal: AbortSignal,
): Promise<Attempt> {
  const late = AbortSignal.timeout(Math.ceil(timeoutSeconds * 1000));
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      headers: {
        "user-agent": "Sightline",
        ...headers,
        "content-type": "application/json",
        ...signatureHeaders(id, Math.floor(Date.now() / 1000), body, secrets),
      },
      redirect: "manual",
      signal: AbortSignal.any([signal, late]),
    });
    await readThrough(response);
    return judge(response);
  } catch (error) {
    if (signal.aborted) return { kind: "aborted" };
    const reason = late.aborted ? `no answer in ${timeoutSeconds} s` : `no answer: ${codeOf(error)}`;
    return { kind: "failed", reason, retryAfterSeconds: 0 };
  }
}

function judge({ status, ok, headers }: Response): Attempt {
  if (ok) return { kind: "delivered" };
  const reason = `HTTP ${status}`;
  if (status === 410) return { kind: "gone", reason };
  if (status >= 400 && status < 500 && !passing.has(status)) return { kind: "refused", reason };
  return { kind: "failed", reason, retryAfterSeconds: retryAfter(headers.get("retry-after")) };
}

/** Seconds that a Retry-After header asks to wait, up to an hour; 0 when it gives none. */
export function retryAfter(header: string | null, now = Date.now()): number {
  if (header === null) return 0;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.min(longestRetryAfterSeconds, Math.max(0, seconds));
}

/** Only the status counts: a receiver that does not finish its answer has still answered. */
async function readThrough({ body }: Response): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > mostAnswerBytes) break;
    }
  } catch {
    // The content is not needed.
  }
}

/** A short code for the error, which never contains the URL. */
function codeOf(error: unknown): string {
  const { cause, name } = error as Error & { cause?: { code?: unknown } };
  return typeof cause?.code === "string" ? cause.code : name;
}

const prefix = "whsec_";

/**
 * Headers by which a receiver can check who sent a body, when, and whether it already has it, as defined by Standard
 * Webhooks 1.0 (https://www.standardwebhooks.com).
 * @param id the same for every attempt to deliver one message; without a full stop
 * @param seconds time of this attempt, since 1970
 * @param secrets each is `whsec_` and a key in base64; there is one signature for each
 */
export function signatureHeaders(
  id: string,
  seconds: number,
  body: string,
  secrets: readonly string[],
): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": signatures.join(" "),
  };
}

/** What is posted about an event. */
interface WebhookMessage {
  /** Identifies this message; the same at every delivery. */
  id: string;
  /** JSON; the same at every delivery. */
  body: string;
}

/**
 * The message about an event: its JSON form (as over HTTP) with its resource name, in the envelope that Standard Webhooks
 * recommends.
 */
export function webhookMessage(event: Event): WebhookMessage {
  const data = toHttpEvent(event);
  const body = {
    type: `event.${data.type}`,
    timestamp: data.updateTime,
    data: { name: event.name, ...data },
  };
  return { id: `${event.name}:${event.revision}`, body: JSON.stringify(body) };
}
