import { auth } from "../state/auth.ts";

/** How people log in here beside a password. */
export function LoginWays() {
  const oidc = auth.value?.login.oidc;
  return (
    <section class="panel" aria-labelledby="ways-title">
      <h2 id="ways-title">Login provider (OpenID Connect)</h2>
      {oidc ? (
        <p class="settings-words">
          The login page offers “{oidc.label}”. The provider decides the role and cameras of those who use it,
          each time they log in.
        </p>
      ) : (
        <p class="settings-words">
          None is set. <code>SIGHTLINE_OIDC_ISSUER</code> names one; <code>docs/security.md</code> in the
          repository says how.
        </p>
      )}
    </section>
  );
}
