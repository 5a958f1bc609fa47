import { expect, test } from "vitest";
import { retryAfter, signatureHeaders } from "./post.ts";

const now = Date.UTC(2026, 0, 1);

test.each([
  [null, 0],
  ["7", 7],
  [" 7 ", 7],
  ["Thu, 01 Jan 2026 00:00:30 GMT", 30],
  ["Wed, 31 Dec 2025 00:00:00 GMT", 0],
  ["99999", 3600],
  ["Fri, 01 Jan 2027 00:00:00 GMT", 3600],
  ["-5", 0],
  ["soon", 0],
  ["", 0],
] as const)("Retry-After %j asks for %d s", (header, seconds) => {
  expect(retryAfter(header, now)).toBe(seconds);
});

test("the signature is that of the example in the specification of Standard Webhooks", () => {
  const headers = signatureHeaders("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}', [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  ]);
  expect(headers).toEqual({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

test("there is a signature by every secret, the first one first", () => {
  const secrets = [1, 2].map((byte) => `whsec_${Buffer.alloc(24, byte).toString("base64")}`);
  const [one, two] = secrets.map((secret) => signatureHeaders("a", 1, "{}", [secret])["webhook-signature"]);
  expect(signatureHeaders("a", 1, "{}", secrets)["webhook-signature"]).toBe(`${one} ${two}`);
});
