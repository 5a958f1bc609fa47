import { createHash, randomBytes } from "node:crypto";

const idAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
const idLength = 12;
const secretBytes = 32;
const form = /^slt_([a-z0-9]{1,32})_([A-Za-z0-9_-]{43})$/;

/** What a token's text says; the secret proves that the bearer has it. */
export interface TokenParts {
  id: string;
  secret: string;
}

/** A new token. */
export function makeToken(): TokenParts {
  const id = [...randomBytes(idLength)].map((byte) => idAlphabet[byte % idAlphabet.length]).join("");
  return { id, secret: makeSecret() };
}

/** 32 random bytes as text: what a token is proved by, and what is in a session's cookie. */
export function makeSecret(): string {
  return randomBytes(secretBytes).toString("base64url");
}

export function formatToken({ id, secret }: TokenParts): string {
  return `slt_${id}_${secret}`;
}

/** Reads a token; undefined for what is none. */
export function parseToken(text: string): TokenParts | undefined {
  const [, id, secret] = form.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** By which a secret of enough randomness is known without being kept. */
export function digest(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
