import { useSignal } from "@preact/signals";
import { EventList } from "../events/event-list.tsx";
import { siteOf } from "../events/seen-names.ts";
import { LiveCanvas, type ShownPicture } from "../live/live-canvas.tsx";
import { RecordingPanel } from "../recording/recording-panel.tsx";
import { cameraEventPath, cameraPath, eventsPath } from "../routing/route.ts";
import { DarkNotice, isDark } from "../shell/notices.tsx";
import { Fold, Page } from "../shell/page.tsx";
import { ZoomView } from "../shell/zoom-view.tsx";
import { may } from "../state/auth.ts";
import { type CameraState, cameras, findCamera } from "../state/cameras.ts";
import { useSystem } from "../state/system.ts";
import { CameraCharts } from "./camera-charts.tsx";
import { CameraFacts, CameraFigures } from "./camera-facts.tsx";
import { DeleteCamera } from "./delete-camera.tsx";
import { Findings, SavedWarnings } from "./findings.tsx";
import { LedgerBar } from "./ledger-bar.tsx";

/** Key under which the browser remembers whether to show video or analysed frames. */
const choiceKey = "sightline-live";

interface Props {
  id: string;
  /** Id of the open event. */
  event: string | undefined;
}

/** Everything about one camera. */
export function CameraPage({ id, event }: Props) {
  const state = findCamera(id);
  if (!state) return <NoCamera id={id} known={cameras.value !== undefined} />;
  const { status, findings, targetFps } = state.camera.value;
  const filter = { camera: id, type: "", class: "", zone: "" };
  return (
    <Page
      title={id}
      className={aspectOf(state) < 1 ? "camera-page portrait" : "camera-page"}
      actions={may("operator") && <Actions state={state} />}
    >
      <SavedWarnings camera={id} />
      <div class="camera-top">
        <CameraPicture state={state} />
        <div class="camera-side">
          <CameraFigures state={state} />
          <section class="panel" aria-labelledby="why-title">
            <h2 id="why-title">{question(state)}</h2>
            <Findings findings={findings} fine="Live, and analysis keeps up." />
          </section>
        </div>
      </div>
      <RecordingPanel key={id} camera={state.camera.value} />
      <div class="camera-columns">
        <section class="panel camera-events" aria-labelledby="events-title">
          <div class="panel-head">
            <h2 id="events-title">Events</h2>
            <a href={eventsPath(new URLSearchParams({ camera: id }))}>All of this camera</a>
          </div>
          <EventList
            filter={filter}
            showCamera={false}
            opened={event === undefined ? undefined : { camera: id, id: event }}
            addressOf={(opened) => cameraEventPath(id, opened)}
          />
        </section>
        <div>
          <Fold title="What became of every frame">
            <LedgerBar ledger={status.ledger} />
          </Fold>
          <Fold title="The last five minutes">
            <CameraCharts id={id} targetFps={targetFps} />
          </Fold>
          <Fold title="Settings and stream">
            <CameraFacts camera={state.camera.value} />
          </Fold>
        </div>
      </div>
    </Page>
  );
}

/** The question that an operator who looks at this camera asks. */
function question({ camera }: CameraState): string {
  const { status, findings } = camera.value;
  if (isDark(status)) return "Why is it dark?";
  return findings.some(({ level }) => level !== "ok") ? "Why is it slow?" : "How is it doing?";
}

function CameraPicture({ state }: { state: CameraState }) {
  const newest = useSignal("");
  const noVideo = useSignal("");
  const wanted = useSignal(localStorage.getItem(choiceKey) !== "frames");
  const choose = (video: boolean) => {
    localStorage.setItem(choiceKey, video ? "video" : "frames");
    noVideo.value = "";
    wanted.value = video;
  };
  const showNewest = (shown: ShownPicture) => {
    newest.value =
      shown.kind === "video"
        ? `Live video, ${shown.width}×${shown.height}`
        : `Frame ${shown.head?.number}, sent ${Math.round(shown.head?.latencyMs ?? 0)} ms after capture`;
  };
  const { status } = state.camera.value;
  const caption = newest.value || (isDark(status) ? "No picture" : "Waiting for the first picture");
  return (
    <div class="camera-picture">
      <ZoomView
        aspect={aspectOf(state)}
        highest="84vh"
        over={isDark(status) && <DarkNotice camera={state.camera.value} />}
        caption={noVideo.value === "" ? caption : `${noVideo.value} Analysed frames are shown. ${caption}`}
        tools={
          <button type="button" class="small wide" onClick={() => choose(!wanted.value)}>
            {wanted.value ? "Analysed frames" : "Video"}
          </button>
        }
      >
        <LiveCanvas
          state={state}
          label={`Live picture of camera ${state.id}`}
          video={wanted.value}
          onPicture={showNewest}
          onNoVideo={(reason) => {
            noVideo.value = reason;
          }}
        />
      </ZoomView>
    </div>
  );
}

/** Width divided by height of the camera's picture; 16:9 until it is known. */
export function aspectOf({ camera }: CameraState): number {
  const { sourceWidth, sourceHeight } = camera.value.status;
  return sourceWidth > 0 && sourceHeight > 0 ? sourceWidth / sourceHeight : 16 / 9;
}

function Actions({ state }: { state: CameraState }) {
  return (
    <>
      <a class="button" href={cameraPath(state.id, "zones")}>
        Zones and rules
      </a>
      <a class="button" href={cameraPath(state.id, "edit")}>
        Edit
      </a>
      <DeleteCamera id={state.id} />
    </>
  );
}

/** Shown in place of a page when the camera does not exist, or is not known yet. */
export function NoCamera({ id, known }: { id: string; known: boolean }) {
  useSystem();
  const site = siteOf(id);
  return (
    <Page title={id}>
      {known ? (
        <p>
          {site === undefined
            ? "There is no camera of this name; it may have been deleted."
            : `This is a camera of the site ${site}; only its events are here.`}{" "}
          <a href={eventsPath(new URLSearchParams({ camera: id }))}>Its events</a> ·{" "}
          <a href="/">All cameras</a>
        </p>
      ) : (
        <p class="note">Waiting for the server …</p>
      )}
    </Page>
  );
}
