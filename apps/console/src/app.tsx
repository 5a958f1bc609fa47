import type { RoleName } from "@sightline/contracts";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { LoginPage } from "./access/login-page.tsx";
import { CameraPage } from "./camera/camera-page.tsx";
import { AddCameraPage, EditCameraPage } from "./camera-form/camera-form-pages.tsx";
import { EventsPage } from "./events/events-page.tsx";
import { ModelsPage } from "./models/models-page.tsx";
import { hasUnsaved, navigate, route } from "./routing/navigation.ts";
import { RulesPage } from "./rules/rules-page.tsx";
import { SettingsPage } from "./settings/settings-page.tsx";
import { ConnectionBanner, Header } from "./shell/header.tsx";
import { Page } from "./shell/page.tsx";
import { auth, authFault, may, me } from "./state/auth.ts";
import { SystemPage } from "./system/system-page.tsx";
import { TimelinePage } from "./timeline/timeline-page.tsx";
import { WallPage } from "./wall/wall-page.tsx";

/** The whole console. Without a login it shows the login page at the address of the requested page. */
export function App() {
  if (!auth.value) return <Starting />;
  const isLoggedIn = me.value !== undefined;
  return (
    <>
      {/* Unsaved changes survive a login that has ended. */}
      {(isLoggedIn || hasUnsaved()) && (
        <div class="console-pages" hidden={!isLoggedIn}>
          <Header />
          <ConnectionBanner />
          <CurrentPage />
        </div>
      )}
      {!isLoggedIn && <LoginPage />}
    </>
  );
}

function Starting() {
  return (
    <Page title="Sightline">
      <p class="note" role="status">
        {authFault.value === "" ? "Asking the server …" : `${authFault.value} Trying again …`}
      </p>
    </Page>
  );
}

function CurrentPage() {
  const now = route.value;
  switch (now.page) {
    case "wall":
      return <WallPage />;
    case "camera":
      return <CameraPage key={now.id} id={now.id} event={now.event} />;
    case "editCamera":
      return (
        <NeedsRole needs="operator" title={`Edit ${now.id}`}>
          <EditCameraPage key={now.id} id={now.id} />
        </NeedsRole>
      );
    case "zones":
      return (
        <NeedsRole needs="operator" title={`Zones and rules of ${now.id}`}>
          <RulesPage key={now.id} id={now.id} />
        </NeedsRole>
      );
    case "addCamera":
      return (
        <NeedsRole needs="operator" title="Add a camera">
          <AddCameraPage />
        </NeedsRole>
      );
    case "system":
      return <SystemPage />;
    case "models":
      return <ModelsPage />;
    case "settings":
      return <SettingsPage />;
    case "login":
      return <GoOn to={now.to} />;
    case "events":
      return <EventsPage query={now.query} event={now.event} />;
    case "timeline":
      return <TimelinePage query={now.query} />;
    case "unknown":
      return (
        <Page title="No such page">
          <p>
            Nothing is at this address. <a href="/">All cameras</a>
          </p>
        </Page>
      );
  }
}

/** Logged-in users are sent on from the login page. */
function GoOn({ to }: { to: string }) {
  useEffect(() => navigate(to, { replace: true }), [to]);
  return null;
}

interface NeedsRoleProps {
  needs: RoleName;
  /** The page's heading. */
  title: string;
  children: ComponentChildren;
}

/** A page for users with this role; others are told whom to ask. */
function NeedsRole({ needs, title, children }: NeedsRoleProps) {
  if (may(needs)) return <>{children}</>;
  return (
    <Page title={title}>
      <p>
        This needs the role “{needs}”, which you do not have. An administrator can give it to you.{" "}
        <a href="/">All cameras</a>
      </p>
    </Page>
  );
}
