import { timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { type CallingService, SettingError } from "@sightline/service";
import { Principal, type Role } from "./principal.ts";
import { digest, formatToken, parseToken, type TokenParts } from "./secrets.ts";

/** One of our services that calls like an application, and the file with its token. */
export interface ServiceTokenFile {
  name: CallingService;
  role: Role;
  path: string;
}

interface Held extends ServiceTokenFile {
  /** SHA-256 of the token; undefined while the file contains none. */
  digest: string | undefined;
}

/** Tokens of our own services, from files that both sides read. A changed file is valid from then on. */
export class ServiceTokens {
  readonly #held: Held[];
  readonly #listeners = new Set<(name: string) => void>();

  /** @throws SettingError when a file cannot be read, or does not contain its service's token */
  constructor(files: readonly ServiceTokenFile[]) {
    this.#held = files.map((file) => ({ ...file, digest: digest(readToken(file)) }));
  }

  /** The principal of the service with this token; undefined when no service has it. */
  principalOf(token: TokenParts): Principal | undefined {
    const held = this.#held.find(({ name }) => name === token.id);
    if (held?.digest === undefined) return undefined;
    const given = digest(formatToken(token));
    if (!timingSafeEqual(Buffer.from(given), Buffer.from(held.digest))) return undefined;
    return new Principal({ name: held.name, role: held.role, cameras: ["*"], kind: "service" });
  }

  /** Reads the files again. */
  look(): void {
    for (const held of this.#held) {
      const now = tryRead(held);
      if (now === held.digest) continue;
      held.digest = now;
      for (const listener of this.#listeners) listener(held.name);
    }
  }

  /** Calls `listener` with the name of a service whose token has changed. */
  onChange(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function readToken({ name, path }: ServiceTokenFile): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new SettingError(`the file with the token of ${name} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (parseToken(text)?.id !== name)
    throw new SettingError(
      `${path} holds no token of ${name}; make one with \`sightline token file ${name} ${path}\``,
    );
  return text;
}

function tryRead(file: ServiceTokenFile): string | undefined {
  try {
    return digest(readToken(file));
  } catch {
    return undefined;
  }
}
