import { render } from "preact";
import { App } from "./app.tsx";
import { interceptLinks } from "./routing/navigation.ts";
import { startLive } from "./state/live.ts";

interceptLinks();
startLive();
render(<App />, document.getElementById("console") as HTMLElement);
