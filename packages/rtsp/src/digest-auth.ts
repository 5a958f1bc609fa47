import { createHash, randomBytes } from "node:crypto";
import type { Credentials } from "./rtsp-url.ts";

/** A server's WWW-Authenticate challenge. */
export interface Challenge {
  /** Lower case: basic, digest, … */
  scheme: string;
  /** Names in lower case. */
  parameters: Readonly<Record<string, string>>;
}

/** Reads one WWW-Authenticate header (RFC 7235, RFC 7616). */
export function parseChallenge(header: string): Challenge {
  const [scheme = "", rest = ""] = header.trim().split(/\s+(.*)/s);
  const parameters: Record<string, string> = {};
  for (const [, name, quoted, plain] of rest.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g))
    if (name) parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "";
  return { scheme: scheme.toLowerCase(), parameters };
}

/**
 * Value of the Authorization header that answers the best of the challenges, or undefined when none can be answered.
 * Digest is RFC 7616 with MD5 or SHA-256, with `qop` auth or the older form without.
 */
export function authorize(
  challenges: readonly Challenge[],
  credentials: Credentials,
  request: { method: string; uri: string },
  clientNonce: string = randomBytes(8).toString("hex"),
): string | undefined {
  const digest = challenges.find(
    ({ scheme, parameters }) => scheme === "digest" && hashName(parameters.algorithm),
  );
  if (digest) return digestHeader(digest.parameters, credentials, request, clientNonce);
  if (challenges.some(({ scheme }) => scheme === "basic"))
    return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
  return undefined;
}

function digestHeader(
  { realm = "", nonce = "", opaque, algorithm, qop }: Readonly<Record<string, string>>,
  { username, password }: Credentials,
  { method, uri }: { method: string; uri: string },
  clientNonce: string,
): string {
  const name = hashName(algorithm) ?? "md5";
  const hash = (text: string) => createHash(name).update(text).digest("hex");
  const auth = qop?.split(",").some((each) => each.trim() === "auth") === true;
  const secret = hash(`${username}:${realm}:${password}`);
  const ha1 = algorithm?.toLowerCase().endsWith("-sess") ? hash(`${secret}:${nonce}:${clientNonce}`) : secret;
  const ha2 = hash(`${method}:${uri}`);
  const count = "00000001";
  const response = auth
    ? hash(`${ha1}:${nonce}:${count}:${clientNonce}:auth:${ha2}`)
    : hash(`${ha1}:${nonce}:${ha2}`);
  const fields = [
    `username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response="${response}"`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
    ...(auth ? [`qop=auth`, `nc=${count}`, `cnonce="${clientNonce}"`] : []),
  ];
  return `Digest ${fields.join(", ")}`;
}

function hashName(algorithm = "MD5"): "md5" | "sha256" | undefined {
  const name = algorithm.toUpperCase().replace(/-SESS$/, "");
  return name === "MD5" ? "md5" : name === "SHA-256" ? "sha256" : undefined;
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
