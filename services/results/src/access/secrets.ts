import { createHash, randomBytes } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";
import { TaskLimit, TaskLimitError } from "@sightline/service";
import { ApiError } from "../grpc/errors.ts";

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

/** argon2id with 19 MiB, two passes and one lane, as OWASP advises: about 0.1 s of a core. */
const options = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Hashing runs on the threads that also read files: it may not have all four. */
const limit = new TaskLimit(2, 256);

/** argon2id in PHC form. @throws ApiError access_unavailable */
export function hashSecret(secret: string): Promise<string> {
  return inTurn(() => hash(secret, options));
}

/** Whether `secret` is what was hashed. A hash that cannot be read fits nothing. @throws ApiError access_unavailable */
export function fitsHash(stored: string, secret: string): Promise<boolean> {
  return inTurn(() => verify(stored, secret).catch(() => false));
}

function inTurn<R>(task: () => Promise<R>): Promise<R> {
  return limit.run(task).catch((error: unknown) => {
    if (!(error instanceof TaskLimitError)) throw error;
    // No cause: the message says all of it, and under overload each would be logged.
    throw new ApiError("access_unavailable", "too many passwords and tokens are being checked; try again");
  });
}

let nobody: Promise<string> | undefined;

/** Takes as long as checking a password that there is, so that time does not tell which users there are. */
export async function checkNobody(secret: string): Promise<false> {
  nobody ??= hashSecret("nobody has this password");
  await fitsHash(await nobody, secret);
  return false;
}

/** Tokens whose secret was wrong are remembered, so that guessing again costs nothing. */
const maxWrong = 1_000;

/** Checks tokens against what is kept of them. Each is hashed once: what was found right or wrong is known by its digest. */
export class TokenChecks {
  /** The hash that a token was found to fit, by the token's digest. */
  readonly #right = new Map<string, string>();
  readonly #wrong = new Set<string>();
  /** Checks under way: many calls with one token that begin at once, as after a restart, are one check. */
  readonly #running = new Map<string, Promise<boolean>>();

  /** Whether a token, whose text and secret these are, is the one that was hashed. @throws ApiError access_unavailable */
  async isRight(text: string, secret: string, hash: string): Promise<boolean> {
    const digested = digest(text);
    if (this.#right.get(digested) === hash) return true;
    if (this.#wrong.has(digested) || !(await this.#fits(digested, hash, secret))) {
      if (this.#wrong.size >= maxWrong) this.#wrong.clear();
      this.#wrong.add(digested);
      return false;
    }
    this.#right.set(digested, hash);
    return true;
  }

  /** The token with this hash is no more. */
  forget(hash: string | undefined): void {
    for (const [digested, known] of this.#right) if (known === hash) this.#right.delete(digested);
  }

  #fits(digested: string, hash: string, secret: string): Promise<boolean> {
    const key = `${digested} ${hash}`;
    const check = this.#running.get(key) ?? fitsHash(hash, secret).finally(() => this.#running.delete(key));
    this.#running.set(key, check);
    return check;
  }
}
