import { createHash, randomBytes } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";
import { TaskLimit, TaskLimitError } from "@sightline/service";
import { ApiError } from "../errors.ts";

const idAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
const idLength = 12;
const secretBytes = 32;
const form = /^slt_([a-z0-9]{1,32})_([A-Za-z0-9_-]{43})$/;

/** The parts of a token's text; the secret proves that the bearer has it. */
export interface TokenParts {
  id: string;
  secret: string;
}

/** Creates a new token. */
export function makeToken(): TokenParts {
  const id = [...randomBytes(idLength)].map((byte) => idAlphabet[byte % idAlphabet.length]).join("");
  return { id, secret: makeSecret() };
}

/** 32 random bytes as text: the secret of a token or of a session's cookie. */
export function makeSecret(): string {
  return randomBytes(secretBytes).toString("base64url");
}

export function formatToken({ id, secret }: TokenParts): string {
  return `slt_${id}_${secret}`;
}

/** Parses a token; undefined when the text is not one. */
export function parseToken(text: string): TokenParts | undefined {
  const [, id, secret] = form.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** Identifies a secret without storing it; the secret must be random enough. */
export function digest(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** argon2id with 19 MiB, two passes and one lane, as OWASP advises: about 0.1 s of a core. */
const options = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Hashing uses the threads that also read files, so it must not use all four. */
const limit = new TaskLimit(2, 256);

/** argon2id in PHC form. @throws ApiError access_unavailable */
export function hashSecret(secret: string): Promise<string> {
  return inTurn(() => hash(secret, options));
}

/** Whether `secret` has this hash. A hash that cannot be read matches nothing. @throws ApiError access_unavailable */
export function fitsHash(stored: string, secret: string): Promise<boolean> {
  return inTurn(() => verify(stored, secret).catch(() => false));
}

function inTurn<R>(task: () => Promise<R>): Promise<R> {
  return limit.run(task).catch((error: unknown) => {
    if (!(error instanceof TaskLimitError)) throw error;
    // No cause: the message says everything, and under overload each one would be logged.
    throw new ApiError("access_unavailable", "too many passwords and tokens are being checked; try again");
  });
}

let nobody: Promise<string> | undefined;

/** Takes as long as checking an existing password, so that the time does not reveal which users exist. */
export async function checkNobody(secret: string): Promise<false> {
  nobody ??= hashSecret("nobody has this password").catch((error: unknown) => {
    // There was no turn for it: the next caller tries again.
    nobody = undefined;
    throw error;
  });
  await fitsHash(await nobody, secret);
  return false;
}

/** Wrong tokens are remembered, so that repeating one costs nothing. */
const maxWrong = 1_000;

/** Checks tokens against their stored hashes. Each token is hashed once: a right or wrong result is remembered by its digest. */
export class TokenChecks {
  /** The hash that a token matched, by the token's digest. */
  readonly #right = new Map<string, string>();
  readonly #wrong = new Set<string>();
  /** Checks in progress: many calls with one token at the same time, as after a restart, share one check. */
  readonly #running = new Map<string, Promise<boolean>>();

  /** Whether the token with this text and secret matches the hash. @throws ApiError access_unavailable */
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

  /** The token with this hash does not exist any more. */
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
