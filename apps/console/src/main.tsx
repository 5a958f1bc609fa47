import { render } from "preact";
import { App } from "./app.tsx";
import { interceptLinks, startOver } from "./routing/navigation.ts";
import { followLogin, startAuth } from "./state/auth.ts";
import { startLive, stopLive } from "./state/live.ts";

interceptLinks();
followLogin({ onLogin: startLive, onLogout: stopLive, onOther: () => startOver() });
void startAuth();
render(<App />, document.getElementById("console") as HTMLElement);
