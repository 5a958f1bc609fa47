import { Page } from "../shell/page.tsx";
import { auth, may } from "../state/auth.ts";
import { AuditList } from "./audit-list.tsx";
import { OpenNotice } from "./open-notice.tsx";
import { OwnLogin } from "./own-login.tsx";
import { Tokens } from "./tokens.tsx";
import { Users } from "./users.tsx";

/** Access settings: the user's own login and tokens; for administrators everybody's. */
export function SettingsPage() {
  const isOpen = auth.value?.open === true;
  return (
    <Page title="Settings" className="settings-page">
      {isOpen ? <OpenNotice /> : <OwnLogin />}
      {!isOpen && may("admin") && <Users />}
      {!isOpen && <Tokens />}
      {!isOpen && may("admin") && <LoginWays />}
      {may("admin") && <AuditList />}
    </Page>
  );
}

/** Ways to log in other than with a password. */
function LoginWays() {
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
