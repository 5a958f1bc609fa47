import { Page } from "../shell/page.tsx";
import { auth, may } from "../state/auth.ts";
import { AuditList } from "./audit-list.tsx";
import { LoginWays } from "./login-ways.tsx";
import { OpenNotice } from "./open-notice.tsx";
import { OwnLogin } from "./own-login.tsx";
import { Tokens } from "./tokens.tsx";
import { Users } from "./users.tsx";

/** Who may do what: one's own login and tokens, and for administrators everybody's. */
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
