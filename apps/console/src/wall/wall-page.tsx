import { Page } from "../shell/page.tsx";
import { may, me } from "../state/auth.ts";
import { cameras } from "../state/cameras.ts";
import { connection } from "../state/live.ts";
import { system } from "../state/system.ts";
import { plural } from "../words/numbers-and-times.ts";
import { Headline } from "./headline.tsx";
import { Tile } from "./tile.tsx";

/** Every camera, live. */
export function WallPage() {
  const list = cameras.value;
  return (
    <Page title="Cameras" className="wall-page">
      <Headline />
      {list?.length === 0 && <NoCameras />}
      {list && list.length > 0 && (
        <ul
          class={`wall ${density(list.length)} ${connection.value === "lost" ? "old" : ""}`}
          aria-label="Cameras"
        >
          {list.map((state) => (
            <Tile key={state.id} state={state} />
          ))}
        </ul>
      )}
    </Page>
  );
}

/** Many cameras get small tiles, so that an operator sees most of them at once. */
function density(count: number): "few" | "some" | "many" {
  return count <= 4 ? "few" : count <= 16 ? "some" : "many";
}

function NoCameras() {
  const sites = system.value?.sites.length ?? 0;
  if (sites > 0)
    return (
      <div class="empty">
        <h2>Cameras of {plural(sites, "site")}</h2>
        <p>Pictures of cameras stay at their sites; events come here.</p>
        <p>
          <a class="button primary" href="/events">
            Events
          </a>
        </p>
      </div>
    );
  const seen = me.value?.cameras ?? [];
  if (!seen.includes("*"))
    return (
      <div class="empty">
        <h2>No cameras for you yet</h2>
        <p>
          {seen.length === 0
            ? "You may see no camera. An administrator can change that."
            : `You may see ${seen.join(", ")}, and there is no such camera now. An administrator can show you others.`}
        </p>
      </div>
    );
  if (!may("operator"))
    return (
      <div class="empty">
        <h2>No cameras yet</h2>
        <p>An operator adds them. They are shown here as soon as they are there.</p>
      </div>
    );
  return (
    <div class="empty">
      <h2>No cameras yet</h2>
      <p>
        A camera is an RTSP address, or an HTTP one (MJPEG, HLS). The console probes it before it is saved,
        and shows what it sees a few seconds later.
      </p>
      <p>
        <a class="button primary" href="/add">
          Add a camera
        </a>
      </p>
      <p class="note">
        Or on the command line: <code>./sightline camera add front rtsp://user:password@10.0.0.5/stream</code>
      </p>
    </div>
  );
}
