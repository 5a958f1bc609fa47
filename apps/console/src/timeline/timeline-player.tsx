import { recordingUrl } from "../api/calls.ts";
import { pathOfCamera } from "../events/seen-names.ts";
import { RecordingPlayer } from "../recording/recording-player.tsx";
import { timelinePath } from "../routing/route.ts";
import { CopyButton } from "../shell/copy-button.tsx";
import { formatDayTime } from "../words/numbers-and-times.ts";
import type { Timeline } from "./use-timeline.ts";

/** Length of the video that "Save" stores, starting at the shown time. */
const savedMs = 5 * 60_000;

/** Plays the chosen camera and time, with a message about them. */
export function TimelinePlayer({ timeline }: { timeline: Timeline }) {
  const camera = timeline.camera.value;
  const at = timeline.at.value;
  const playing = timeline.playing.value;
  return (
    <>
      {camera !== undefined && at !== undefined && (
        <section class="panel timeline-player" aria-labelledby="timeline-player-title">
          <h2 id="timeline-player-title">
            <a href={pathOfCamera(camera)}>{camera}</a>, {formatDayTime(new Date(at).toISOString())}
          </h2>
          {playing && (
            <RecordingPlayer
              camera={camera}
              range={playing}
              seek={timeline.seek.value}
              video={timeline.video}
              onTime={timeline.played}
            />
          )}
          <div class="buttons">
            <button type="button" onClick={() => timeline.step(camera, "previous")}>
              ← Previous event
            </button>
            <button type="button" onClick={() => timeline.step(camera, "next")}>
              Next event →
            </button>
            <CopyButton text={location.origin + timelinePath(camera, at)} label="Copy the link" />
            <a class="button" href={recordingUrl(camera, { fromMs: at, toMs: at + savedMs })} download>
              Save 5 minutes
            </a>
          </div>
        </section>
      )}
      <p class="note timeline-said" role="status">
        {timeline.said.value}
      </p>
    </>
  );
}
