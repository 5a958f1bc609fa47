import { hkdfSync } from "node:crypto";
import { z } from "zod";

/** Loaded with the first login: most installations have no provider. */
const loadJose = () => import("jose");

/** What the server needs when the provider sends the user back. */
const loginAttemptSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  /** The secret of PKCE (RFC 7636). */
  verifier: z.string(),
  redirectUrl: z.string(),
  /** The page to show after the login. */
  to: z.string(),
});
export type LoginAttempt = z.infer<typeof loginAttemptSchema>;

/** How long a user may take at the provider. */
export const attemptSeconds = 600;

const audience = "sightline-login";

/**
 * Encrypts login attempts, so that the browser can keep them and any results process can continue one. The key is derived from the client
 * secret, which all of them have.
 */
export class SealedAttempts {
  readonly #key: Uint8Array;

  constructor(clientSecret: string) {
    this.#key = new Uint8Array(hkdfSync("sha256", clientSecret, "", "sightline login attempt", 32));
  }

  async seal(attempt: LoginAttempt): Promise<string> {
    const { EncryptJWT } = await loadJose();
    return new EncryptJWT({ ...attempt })
      .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(`${attemptSeconds}s`)
      .encrypt(this.#key);
  }

  /** The attempt; undefined when it has expired or is not ours. */
  async open(sealed: string): Promise<LoginAttempt | undefined> {
    const { jwtDecrypt } = await loadJose();
    try {
      const { payload } = await jwtDecrypt(sealed, this.#key, {
        audience,
        keyManagementAlgorithms: ["dir"],
        contentEncryptionAlgorithms: ["A256GCM"],
      });
      return loginAttemptSchema.parse(payload);
    } catch {
      return undefined;
    }
  }
}
