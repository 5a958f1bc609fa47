import { createHmac } from "node:crypto";
import { type Event, toHttpEvent } from "@sightline/contracts";
import type { WebhookConfig } from "./webhook-config.ts";

/** How an attempt ended. */
export type Attempt =
  | { kind: "delivered" }
  /** Another attempt may do better; not before `retryAfterSeconds`, if the receiver said so. */
  | { kind: "failed"; reason: string; retryAfterSeconds: number }
  /** Another attempt would do no better. */
  | { kind: "refused"; reason: string }
  /** The endpoint wants no more messages, whichever. */
  | { kind: "gone"; reason: string }
  /** It was broken off here. */
  | { kind: "aborted" };

/** An answer is not needed; more of it than this is not even read to keep the connection. */
const mostAnswerBytes = 64 * 1024;
const longestRetryAfterSeconds = 3600;
/** Statuses of 4xx that pass. */
const passing = new Set([408, 425, 429]);

/** Posts a message once. Redirects are not followed. `signal` breaks it off. Never throws. */
export async function post(
  { url, secrets, headers, timeoutSeconds }: WebhookConfig,
  { id, body }: WebhookMessage,
  signal: AbortSignal,
): Promise<Attempt> {
  // Of its own, so that nothing is left of it when the attempt has ended.
  const end = new AbortController();
  const abort = () => end.abort();
  const timer = setTimeout(abort, timeoutSeconds * 1000);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
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
      signal: end.signal,
    });
    await readThrough(response);
    return judge(response);
  } catch (error) {
    if (signal.aborted) return { kind: "aborted" };
    const reason = end.signal.aborted ? `no answer in ${timeoutSeconds} s` : `no answer: ${codeOf(error)}`;
    return { kind: "failed", reason, retryAfterSeconds: 0 };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

function judge({ status, ok, headers }: Response): Attempt {
  if (ok) return { kind: "delivered" };
  const reason = `HTTP ${status}`;
  if (status === 410) return { kind: "gone", reason };
  if (status >= 400 && status < 500 && !passing.has(status)) return { kind: "refused", reason };
  return { kind: "failed", reason, retryAfterSeconds: retryAfter(headers.get("retry-after")) };
}

/** Seconds that a Retry-After header asks to wait, up to an hour; 0 when it says nothing. */
export function retryAfter(header: string | null, now = Date.now()): number {
  if (header === null) return 0;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isNaN(seconds) ? 0 : Math.min(longestRetryAfterSeconds, Math.max(0, seconds));
}

/** The status is what counts: a receiver that does not finish its answer has answered all the same. */
async function readThrough({ body }: Response): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > mostAnswerBytes) break;
    }
  } catch {
    // Nothing was wanted of it.
  }
}

/** A word for what went wrong, which never holds the URL. */
function codeOf(error: unknown): string {
  const { cause, name } = error as Error & { cause?: { code?: unknown } };
  return typeof cause?.code === "string" ? cause.code : name;
}

const prefix = "whsec_";

/**
 * Headers that let a receiver check who sent a body, when, and whether it has had it before, as Standard Webhooks 1.0
 * (https://www.standardwebhooks.com) has them.
 * @param id the same for every attempt at delivering one message; without a full stop
 * @param seconds time of this attempt, since 1970
 * @param secrets `whsec_` and a key in base64 each; there is a signature by every one of them
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
  /** Tells this message from all others; the same whenever it is delivered. */
  id: string;
  /** JSON; the same whenever it is delivered. */
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
