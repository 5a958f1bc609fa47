import { createHash, randomBytes } from "node:crypto";
import type { Credentials } from "../address/camera-url.ts";

/** A server's WWW-Authenticate challenge. */
export interface Challenge {
  /** Lower case: basic, digest, … */
  scheme: string;
  /** Names in lower case. */
  parameters: Readonly<Record<string, string>>;
}

/** The client's nonce, and how often the server's nonce has been used. */
export interface ClientNonce {
  nonce: string;
  count: number;
}

/** By strength, strongest first. */
const algorithms: Readonly<Record<string, string>> = {
  "SHA-512-256": "sha512-256",
  "SHA-256": "sha256",
  MD5: "md5",
};

/** Reads a WWW-Authenticate header, which may hold several challenges (RFC 7235, RFC 7616). */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  const words = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g;
  for (const [text, word = "", quoted, plain] of header.matchAll(words))
    if (text === word) challenges.push({ scheme: word.toLowerCase(), parameters: {} });
    else {
      const parameters = challenges.at(-1)?.parameters;
      if (parameters) parameters[word.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "";
    }
  return challenges;
}

/** The challenge to answer: the strongest Digest, otherwise Basic; undefined when none can be answered. */
export function bestChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  const strength = ({ parameters }: Challenge) =>
    Object.keys(algorithms).indexOf(baseAlgorithm(parameters.algorithm));
  const [best] = challenges
    .filter((each) => each.scheme === "digest" && strength(each) >= 0 && answersQop(each.parameters.qop))
    .sort((a, b) => strength(a) - strength(b));
  return best ?? challenges.find(({ scheme }) => scheme === "basic");
}

/** What the challenges ask for, in words: `Digest SHA-512`. Contains only characters that such names consist of. */
export function nameChallenges(challenges: readonly Challenge[]): string {
  const names = challenges.map(({ scheme, parameters: { algorithm, qop } }) => {
    if (scheme !== "digest") return scheme;
    const integrity = answersQop(qop) ? "" : ` with qop ${qop}`;
    return `Digest ${algorithm ?? "MD5"}${integrity}`;
  });
  const plain = [...new Set(names)].join(", ").replace(/[^\w ,.-]/g, "");
  return plain === "" ? "a kind that it does not name" : plain.slice(0, 80);
}

/** Value of the Authorization header that answers a challenge chosen by `bestChallenge`. */
export function authorization(
  { scheme, parameters }: Challenge,
  { username, password }: Credentials,
  { method, uri }: { method: string; uri: string },
  client: ClientNonce = { nonce: randomBytes(8).toString("hex"), count: 1 },
): string {
  if (scheme === "basic") return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const { realm = "", nonce = "", opaque, algorithm, qop, userhash } = parameters;
  const hash = (text: string) =>
    createHash(algorithms[baseAlgorithm(algorithm)] ?? "md5")
      .update(text)
      .digest("hex");
  const session = algorithm?.toLowerCase().endsWith("-sess") === true;
  const hashedName = userhash?.toLowerCase() === "true";
  const secret = hash(`${username}:${realm}:${password}`);
  const ha1 = session ? hash(`${secret}:${nonce}:${client.nonce}`) : secret;
  const ha2 = hash(`${method}:${uri}`);
  const count = client.count.toString(16).padStart(8, "0");
  const middle = !qop ? "" : `${count}:${client.nonce}:auth:`;
  const fields = [
    `username=${quote(hashedName ? hash(`${username}:${realm}`) : username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response="${hash(`${ha1}:${nonce}:${middle}${ha2}`)}"`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
    ...(qop ? [`qop=auth`, `nc=${count}`] : []),
    ...(qop || session ? [`cnonce="${client.nonce}"`] : []),
    ...(hashedName ? ["userhash=true"] : []),
  ];
  return `Digest ${fields.join(", ")}`;
}

function baseAlgorithm(algorithm = "MD5"): string {
  return algorithm.toUpperCase().replace(/-SESS$/, "");
}

/** Whether Digest without body protection is enough: `qop` is missing, or lists `auth`. */
function answersQop(qop: string | undefined): boolean {
  return !qop || qop.split(",").some((each) => each.trim().toLowerCase() === "auth");
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
