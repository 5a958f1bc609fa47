import type { TokenRecord, UserRecord } from "@sightline/contracts";
import type { Logger } from "@sightline/service";
import { ApiError } from "../errors.ts";
import type { AccessChange, AccessStore } from "./access-store.ts";
import { type CameraLabels, type LabelledCameras, noLabels } from "./camera-scope.ts";
import { type AccessClock, isSessionExpired, sessionEnd, tokenEnd } from "./expiry.ts";
import { localPrincipal, type Principal, principalOfToken, principalOfUser } from "./principal.ts";
import { parseToken, TokenChecks } from "./secrets.ts";
import type { ServiceTokens } from "./service-tokens.ts";

/** How often to check for expired logins and tokens. */
const lookMs = 500;
/** The use of a token or session is written at most this often. */
const touchMs = { token: 60_000, session: 5 * 60_000 } as const;
/** How often to remove the markers of removed records. */
const tidyMs = 60 * 60_000;

interface Known {
  principal: Principal;
  expiresAt: number;
  /** Records the use of the token or session. */
  touch: (() => void) | undefined;
}

export interface IdentityParts {
  store: AccessStore;
  services: ServiceTokens;
  clock: AccessClock;
  /** Whether access may be open while there is no user: the server listens only on this machine, and there is no other way to log in. */
  mayBeOpen: boolean;
  log: Logger;
}

/** Identifies callers. Each token, session or certificate is one principal, which ends when it is revoked, changed or expired. */
export class Identities {
  readonly #parts: IdentityParts;
  /** By `token.{id}`, `session.{hash}`, `user.{name}`, `service.{name}`. */
  readonly #known = new Map<string, Known>();
  readonly #checks = new TokenChecks();
  #local: Principal | undefined;
  #labels: LabelledCameras = noLabels;
  #unsubscribe: (() => void)[] = [];
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: IdentityParts) {
    this.#parts = parts;
  }

  start(): void {
    const { store, services } = this.#parts;
    this.#unsubscribe = [
      store.onChange((change) => this.#changed(change)),
      services.onChange((name) => this.#end(`service.${name}`, revoked())),
    ];
    this.#timers = [setInterval(() => this.#look(), lookMs), setInterval(() => void store.tidy(), tidyMs)];
  }

  /** From now on, labels in the cameras of users and tokens stand for these cameras. Principals whose visible cameras change are ended. */
  follow(labels: CameraLabels): void {
    this.#labels = labels;
    this.#unsubscribe.push(
      labels.onChange(() => {
        for (const [key, { principal }] of [...this.#known])
          if (principal.scope.isStale(labels)) this.#end(key, changed());
      }),
    );
  }

  async stop(): Promise<void> {
    for (const end of this.#unsubscribe) end();
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Whether everybody may do everything. */
  get open(): boolean {
    return this.#parts.mayBeOpen && !this.#parts.store.hasUsers;
  }

  /** The principal of everybody while access is open; undefined when it is not. */
  local(): Principal | undefined {
    if (!this.open) return undefined;
    this.#local ??= localPrincipal();
    return this.#local;
  }

  /** The principal of a token. @throws ApiError unauthenticated */
  async ofToken(text: string): Promise<Principal> {
    const { store, services } = this.#parts;
    const token = parseToken(text);
    if (!token)
      throw new ApiError(
        "unauthenticated",
        "this is not a token; a token begins with slt_ and is made by `sightline token add` or `sightline login`",
      );
    const service = services.principalOf(token);
    if (service) return this.#remember(`service.${service.name}`, Infinity, undefined, () => service);
    const record = store.find("token", token.id);
    if (!record || this.#isExpired(record)) throw revoked();
    if (!(await this.#checks.isRight(text, token.secret, record.hash))) throw revoked();
    // It may have been revoked meanwhile.
    const current = store.find("token", token.id);
    const user = current?.user === undefined ? undefined : store.find("user", current.user);
    if (!current || (current.user !== undefined && !user)) throw revoked();
    return this.#remember(
      `token.${token.id}`,
      tokenEnd(current),
      () => this.#touchToken(token.id),
      () => principalOfToken(current, user, this.#labels),
    );
  }

  /** The principal of a login, by the hash of its secret; undefined when the login does not exist any more. */
  ofSession(hash: string): Principal | undefined {
    const { store } = this.#parts;
    const session = store.find("session", hash);
    const user = session && store.find("user", session.user);
    if (!session || !user || isSessionExpired(session, this.#parts.clock.now())) return undefined;
    return this.#remember(
      `session.${hash}`,
      sessionEnd(session),
      () => this.#touchSession(hash),
      () => principalOfUser(user, this.#labels, hash),
    );
  }

  /** The user with this name, already verified by other means such as a certificate; undefined when there is none. */
  ofUser(name: string): Principal | undefined {
    const user = this.#parts.store.find("user", name);
    return (
      user && this.#remember(`user.${name}`, Infinity, undefined, () => principalOfUser(user, this.#labels))
    );
  }

  #remember(
    key: string,
    expiresAt: number,
    touch: (() => void) | undefined,
    make: () => Principal,
  ): Principal {
    const known = this.#known.get(key);
    if (known && !known.principal.ended) {
      known.touch?.();
      return known.principal;
    }
    const principal = make();
    this.#known.set(key, { principal, expiresAt, touch });
    touch?.();
    return principal;
  }

  #changed({ kind, id, value, previous }: AccessChange): void {
    if (kind === "user") {
      if (this.#local && !this.open) {
        this.#local.end(new ApiError("unauthenticated", "there are users now: log in"));
        this.#local = undefined;
      }
      if (value && previous && sameRights(value as UserRecord, previous as UserRecord)) return;
      const reason = value ? changed() : revoked();
      for (const [key, { principal }] of [...this.#known]) if (principal.user === id) this.#end(key, reason);
    } else if (!value) {
      this.#end(`${kind}.${id}`, revoked());
      this.#checks.forget((previous as TokenRecord | undefined)?.hash);
    }
  }

  #end(key: string, reason: ApiError): void {
    const known = this.#known.get(key);
    this.#known.delete(key);
    known?.principal.end(reason);
  }

  /** Ends what has expired, records the use of what is in use, and forgets unused principals. */
  #look(): void {
    const now = this.#parts.clock.now();
    this.#parts.services.look();
    for (const [key, { principal, expiresAt, touch }] of [...this.#known]) {
      if (expiresAt <= now) this.#end(key, expired());
      else if (principal.inUse) touch?.();
    }
    for (const [hash, session] of this.#parts.store.sessions())
      if (isSessionExpired(session, now)) {
        this.#end(`session.${hash}`, expired());
        void this.#parts.store.delete("session", hash).catch(() => undefined);
      }
  }

  #isExpired(record: TokenRecord): boolean {
    return tokenEnd(record) <= this.#parts.clock.now();
  }

  #touchToken(id: string): void {
    const record = this.#parts.store.find("token", id);
    if (record && this.#isDue(record.lastUseTime, touchMs.token))
      this.#write(this.#parts.store.update("token", id, (token) => ({ ...token, lastUseTime: nowText() })));
  }

  #touchSession(hash: string): void {
    const record = this.#parts.store.find("session", hash);
    if (record && this.#isDue(record.lastUseTime, touchMs.session))
      this.#write(
        this.#parts.store.update("session", hash, (session) => ({ ...session, lastUseTime: nowText() })),
      );
  }

  #isDue(last: string | undefined, everyMs: number): boolean {
    return last === undefined || Math.abs(Date.now() - Date.parse(last)) >= everyMs;
  }

  /** Nothing waits for this write, and it is soon repeated. */
  #write(writing: Promise<boolean>): void {
    writing.catch((error: Error) => this.#parts.log.debug({ err: error }, "last use not written"));
  }
}

function sameRights(a: UserRecord, b: UserRecord): boolean {
  return a.role === b.role && a.cameras.join() === b.cameras.join();
}

function nowText(): string {
  return new Date().toISOString();
}

function revoked(): ApiError {
  return new ApiError(
    "unauthenticated",
    "this token is not known: it was revoked, has expired, or is of another server; log in again, or make another",
  );
}

function expired(): ApiError {
  return new ApiError("unauthenticated", "this login or token has expired; log in again, or make another");
}

function changed(): ApiError {
  return new ApiError("access_changed", "what you may do was changed meanwhile; call again");
}
