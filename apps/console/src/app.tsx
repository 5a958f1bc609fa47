import { CameraPage } from "./camera/camera-page.tsx";
import { AddCameraPage } from "./camera-form/add-camera-page.tsx";
import { EditCameraPage } from "./camera-form/edit-camera-page.tsx";
import { EventsPage } from "./events/events-page.tsx";
import { route } from "./routing/navigation.ts";
import { RulesPage } from "./rules/rules-page.tsx";
import { ConnectionBanner, Header } from "./shell/header.tsx";
import { Page } from "./shell/page.tsx";
import { SystemPage } from "./system/system-page.tsx";
import { WallPage } from "./wall/wall-page.tsx";

/** The whole console. */
export function App() {
  return (
    <>
      <Header />
      <ConnectionBanner />
      <CurrentPage />
    </>
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
      return <EditCameraPage key={now.id} id={now.id} />;
    case "zones":
      return <RulesPage key={now.id} id={now.id} />;
    case "addCamera":
      return <AddCameraPage />;
    case "system":
      return <SystemPage />;
    case "events":
      return <EventsPage query={now.query} event={now.event} />;
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
