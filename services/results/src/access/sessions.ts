import { accessLimits } from "@sightline/contracts";
import type { AccessStore } from "./access-store.ts";
import { digest, makeSecret } from "./token-text.ts";

/** Logins of browsers. What is stored does not let anybody in: it is the SHA-256 of what the cookie holds. */
export class Sessions {
  readonly #store: AccessStore;

  constructor(store: AccessStore) {
    this.#store = store;
  }

  /** Begins a session of a user who has proved to be the one, and returns what its cookie is to hold. */
  async begin(user: string): Promise<string> {
    const mine = this.#store
      .sessions()
      .filter(([, session]) => session.user === user)
      .sort(([, a], [, b]) => (a.lastUseTime < b.lastUseTime ? -1 : 1));
    for (const [hash] of mine.slice(0, Math.max(0, mine.length + 1 - accessLimits.maxSessionsOfUser)))
      await this.#store.delete("session", hash);
    const secret = makeSecret();
    const now = new Date().toISOString();
    await this.#store.create(digest(secret), { kind: "session", user, createTime: now, lastUseTime: now });
    return secret;
  }

  async end(secret: string): Promise<void> {
    const hash = digest(secret);
    if (this.#store.find("session", hash)) await this.#store.delete("session", hash);
  }

  /** Ends all of a user but the one of this hash. */
  async endAllOf(user: string, but?: string): Promise<void> {
    for (const [hash, session] of this.#store.sessions())
      if (session.user === user && hash !== but) await this.#store.delete("session", hash);
  }
}
