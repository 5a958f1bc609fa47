import { isUserName, type UserProvider } from "@sightline/contracts";
import { ApiError, OidcFault } from "../../errors.ts";
import type { AccessStore } from "../access-store.ts";
import type { Users } from "../users.ts";
import type { Claims } from "./oidc-client.ts";
import type { OidcConfig } from "./oidc-settings.ts";
import { claimValues, type Grant, grantOf } from "./role-mapping.ts";

/**
 * Users from a login provider. Users added by an administrator keep their role and cameras; all others get theirs from the provider's
 * claims, again at each login. A user name belongs to the first subject that used it: nobody can take over another's user, or one with a
 * password here, through a name that the provider lets people choose.
 */
export class OidcUsers {
  readonly #config: OidcConfig;
  readonly #users: Users;
  readonly #store: AccessStore;

  constructor(config: OidcConfig, users: Users, store: AccessStore) {
    this.#config = config;
    this.#users = users;
    this.#store = store;
  }

  /** The name of the user with these verified claims, created or changed if needed. @throws OidcFault, ApiError */
  async settle(claims: Claims): Promise<string> {
    const name = this.#nameOf(claims);
    const { issuer } = this.#config;
    const known = this.#store.find("user", name);
    const isBound = known?.provider?.issuer === issuer.href && known.provider.subject === claims.sub;
    if (known && !isBound && (known.provider || known.passwordHash !== undefined))
      throw new OidcFault("oidc_name_taken", `'${name}' is another user than the subject ${claims.sub}`);
    const provider = { issuer: issuer.href, subject: claims.sub };
    if (!known) {
      await this.#users.create({ name, ...this.#grantOf(claims), provider: { ...provider, managed: true } });
    } else if (known.provider?.managed) {
      const { role, cameras } = this.#grantOf(claims);
      if (role !== known.role || cameras.join() !== known.cameras.join())
        await this.#users.update(name, { role, cameras });
    } else if (!isBound) {
      await this.#bind(name, { ...provider, managed: false });
    }
    return name;
  }

  async #bind(name: string, provider: UserProvider): Promise<void> {
    if (!(await this.#store.update("user", name, (user) => ({ ...user, provider }))))
      throw new ApiError("etag_mismatch", `user '${name}' was changed meanwhile; try again`);
  }

  #nameOf(claims: Claims): string {
    const { oidcUserClaim, issuer } = this.#config;
    const [given] = claimValues(claims, oidcUserClaim);
    if (given === undefined)
      throw new OidcFault(
        "oidc_failed",
        `the claim ${oidcUserClaim} (SIGHTLINE_OIDC_USER_CLAIM) has no name`,
      );
    if (oidcUserClaim === "email" && claims.email_verified !== true)
      throw new OidcFault("oidc_failed", "the provider does not say that the e-mail address is verified");
    const lower = given.toLowerCase();
    const name = lower.includes("@") ? lower : `${lower}@${issuer.hostname}`;
    if (!isUserName(name)) throw new OidcFault("oidc_failed", `'${name}' cannot be the name of a user`);
    return name;
  }

  /** @throws OidcFault no mapping applies */
  #grantOf(claims: Claims): Grant {
    const { oidcRoleClaim, oidcRoles, oidcDefaultRole } = this.#config;
    const values = claimValues(claims, oidcRoleClaim);
    const grant = grantOf(values, oidcRoles) ?? oidcDefaultRole;
    if (grant) return grant;
    throw new OidcFault(
      "oidc_no_role",
      `no entry of SIGHTLINE_OIDC_ROLES applies to ${claims.sub}, whose ${oidcRoleClaim} are: ${values.join(", ") || "none"}`,
    );
  }
}
