import { useSignal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { snapshotUrl } from "../api/calls.ts";
import { shortTrackId } from "../live/draw-picture.ts";
import { cameraPath } from "../routing/route.ts";
import { formatShare } from "../words/numbers.ts";
import { formatFullTime, formatTime } from "../words/times.ts";
import { eventSpan, eventTitle } from "./event-words.ts";

/** An event younger than this may get its picture a little later. */
const newMs = 30_000;
const retryMs = 1_500;
const mostRetries = 4;

interface Props {
  event: HttpEvent;
  showCamera: boolean;
  onOpen: () => void;
}

/** One event: its snapshot, what happened, when and for how long. */
export function EventRow({ event, showCamera, onOpen }: Props) {
  const span = eventSpan(event);
  const name = eventTitle(event);
  return (
    <li class={`event ${event.type} ${event.endTime === null && event.phase !== "once" ? "open" : ""}`}>
      <Thumbnail event={event} name={name} onOpen={onOpen} />
      <div class="event-text">
        <p class="event-title">{name}</p>
        <p class="event-when">
          <time dateTime={event.startTime} title={formatFullTime(event.startTime)}>
            {formatTime(event.startTime)}
          </time>
          {span !== "" && <span class="event-span"> {span}</span>}
        </p>
        <p class="note">
          {showCamera && <a href={cameraPath(event.camera)}>{event.camera}</a>} {eventFacts(event)}
        </p>
      </div>
    </li>
  );
}

/** Which object it was, which rule reported it, or why a camera went down. */
function eventFacts({ track, rule, type, message, snapshotScore }: HttpEvent): string {
  // The same as in the picture beside it.
  const score = formatShare(snapshotScore ?? track?.bestScore ?? 0);
  const object = track ? `track ${shortTrackId(track.id)}, score ${score}` : "";
  const why = type === "camera_down" || type === "camera_up" ? message : "";
  return [object, rule, why].filter((fact) => fact !== "").join(" · ");
}

function Thumbnail({ event, name, onOpen }: { event: HttpEvent; name: string; onOpen: () => void }) {
  const failures = useSignal(0);
  const missing = useSignal(false);
  const retry = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    missing.value = false;
    failures.value = 0;
    return () => clearTimeout(retry.current);
  }, [event.revision, event.hasSnapshot]);
  if (!event.hasSnapshot || missing.value) return <span class="thumbnail none" aria-hidden="true" />;
  const fail = () => {
    missing.value = true;
    // The server tells of a picture before it is stored.
    const isNew = Date.now() - Date.parse(event.updateTime) < newMs;
    if (isNew && failures.value++ < mostRetries)
      retry.current = setTimeout(() => (missing.value = false), retryMs);
  };
  const url = `${snapshotUrl(event, true)}&revision=${event.revision}`;
  return (
    <button type="button" class="thumbnail" aria-label={`Show the snapshot: ${name}`} onClick={onOpen}>
      <img src={url} alt="" loading="lazy" decoding="async" width={96} height={72} onError={fail} />
    </button>
  );
}
