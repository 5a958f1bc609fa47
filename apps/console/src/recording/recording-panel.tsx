import { useSignal } from "@preact/signals";
import type { HttpCamera, HttpEvent, HttpRecordingSpan } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { listEvents, listRecordingSpans, recordingUrl } from "../api/calls.ts";
import { describeFailure, RequestError } from "../api/request.ts";
import { formatBytes, formatDayTime } from "../words/numbers-and-times.ts";
import { RecordingPlayer } from "./recording-player.tsx";
import {
  dayMs,
  eventBeside,
  isIn,
  joined,
  leadMs,
  playableFrom,
  playedMs,
  type Stepped,
  stepFrom,
  type Window,
} from "./timeline-scale.ts";
import { TimelineStrip } from "./timeline-strip.tsx";

const refreshMs = 30_000;
/** Length of the video that "Save" stores, starting at the shown time. */
const savedMs = 5 * 60_000;

/** A camera's recordings, one day at a time, with a player. */
export function RecordingPanel({ camera }: { camera: HttpCamera }) {
  const { id } = camera;
  /** Number of days before today. */
  const back = useSignal(0);
  const window = useSignal<Window>(lastDay(0));
  const spans = useSignal<readonly HttpRecordingSpan[]>([]);
  const events = useSignal<readonly HttpEvent[]>([]);
  const fault = useSignal("");
  const playing = useSignal<Window | undefined>(undefined);
  const seek = useSignal<{ ms: number } | undefined>(undefined);
  const at = useSignal<number | undefined>(undefined);
  const stepped = useRef<Stepped | undefined>(undefined);

  useEffect(() => {
    const aborted = new AbortController();
    const refresh = async () => {
      const day = lastDay(back.value);
      const range = { from: day.fromMs, to: day.toMs };
      const [found, page] = await Promise.all([
        listRecordingSpans(id, day, aborted.signal).catch((error) => {
          if (error instanceof RequestError && error.code === "recording_not_found") return { spans: [] };
          throw error;
        }),
        listEvents({ camera: id }, { ...range, pageSize: 1_000 }, aborted.signal),
      ]);
      window.value = day;
      spans.value = found.spans;
      events.value = page.events;
      fault.value = "";
    };
    const look = () =>
      refresh().catch((error) => {
        if (!aborted.signal.aborted) fault.value = describeFailure(error);
      });
    void look();
    const timer = setInterval(look, refreshMs);
    return () => {
      aborted.abort();
      clearInterval(timer);
    };
  }, [id, back.value]);

  const recorded = joined(spans.value);
  const play = (ms: number) => {
    const fromMs = playableFrom(recorded, ms);
    at.value = fromMs ?? ms;
    seek.value = fromMs === undefined ? undefined : { ms: fromMs };
    if (fromMs === undefined) playing.value = undefined;
    else if (!isIn(playing.value, fromMs))
      playing.value = { fromMs, toMs: Math.min(fromMs + playedMs, Date.now()) };
  };
  const step = (direction: "previous" | "next") => {
    const around = stepFrom(at.value, window.value, direction, stepped.current);
    const event = eventBeside(events.value, around, direction);
    if (!event) return;
    const startMs = Date.parse(event.startTime);
    play(startMs - leadMs);
    stepped.current = { startMs, fromMs: at.value ?? startMs };
  };
  const saved = at.value !== undefined && { fromMs: at.value, toMs: at.value + savedMs };
  return (
    <section class="panel recording" aria-labelledby="recording-title">
      <div class="panel-head">
        <h2 id="recording-title">Recording</h2>
        <span class="note">{stateText(camera)}</span>
      </div>
      {fault.value !== "" && (
        <p class="fault" role="alert">
          {fault.value}
        </p>
      )}
      {playing.value && (
        <RecordingPlayer
          camera={id}
          range={playing.value}
          seek={seek.value}
          onTime={(ms) => (at.value = ms)}
        />
      )}
      <TimelineStrip
        label={`Recording of camera ${id}: arrow keys go from event to event`}
        window={window.value}
        recorded={recorded}
        events={events.value}
        at={at.value}
        onChoose={play}
        onStep={step}
      />
      <div class="buttons">
        <button type="button" onClick={() => step("previous")}>
          ← Previous event
        </button>
        <button type="button" onClick={() => step("next")}>
          Next event →
        </button>
        <button type="button" onClick={() => back.value++}>
          A day back
        </button>
        <button type="button" disabled={back.value === 0} onClick={() => back.value--}>
          A day on
        </button>
        {saved && (
          <a class="button" href={recordingUrl(id, saved)} download>
            Save 5 minutes
          </a>
        )}
      </div>
      <p class="note">
        {at.value !== undefined && `${formatDayTime(new Date(at.value).toISOString())}. `}
        {spans.value.length === 0
          ? "Nothing is kept of these 24 hours."
          : "Upper row: events. Lower row: what is kept. Click to play; ← and → go from event to event."}
      </p>
    </section>
  );
}

function lastDay(back: number): Window {
  const toMs = Date.now() - back * dayMs;
  return { fromMs: toMs - dayMs, toMs };
}

function stateText({ status: { recording } }: HttpCamera): string {
  if (!recording) return "not known yet";
  const { mode, active, message, bytes, oldestTime } = recording;
  const since = bytes > 0 && oldestTime ? `; ${formatBytes(bytes)} since ${formatDayTime(oldestTime)}` : "";
  if (message !== "") return `${message}${since}`;
  if (mode === "off") return `off${since}`;
  return `${mode === "events" ? "around events" : "always"}${active ? "" : ", waiting for pictures"}${since}`;
}
