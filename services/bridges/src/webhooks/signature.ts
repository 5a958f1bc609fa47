import { createHmac } from "node:crypto";

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
