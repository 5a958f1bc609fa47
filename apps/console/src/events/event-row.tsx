import { useSignal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { snapshotUrl } from "../api/calls.ts";
import { cameraPath } from "../routing/route.ts";
import { formatDayTime, formatFullTime } from "../words/times.ts";
import { eventFacts, eventSpan, eventTitle } from "./event-words.ts";

/** An event younger than this may get its picture a little later. */
const newMs = 30_000;
const retryMs = 1_500;
const mostRetries = 4;

interface Props {
  event: HttpEvent;
  showCamera: boolean;
  /** The event's own address; a click there opens it here. */
  href: string;
  onOpen: () => void;
}

/** One event: its snapshot, what happened, when and for how long. */
export function EventRow({ event, showCamera, href, onOpen }: Props) {
  const span = eventSpan(event);
  const name = eventTitle(event);
  const open = (click: MouseEvent) => {
    if (click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey) return;
    click.preventDefault();
    onOpen();
  };
  return (
    <li class={`event ${event.type} ${event.endTime === null && event.phase !== "once" ? "open" : ""}`}>
      <Thumbnail event={event} name={name} href={href} onClick={open} />
      <div class="event-text">
        <p class="event-title">
          <a href={href} onClick={open}>
            {name}
          </a>
        </p>
        <p class="event-when">
          <time dateTime={event.startTime} title={formatFullTime(event.startTime)}>
            {formatDayTime(event.startTime)}
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

interface ThumbnailProps {
  event: HttpEvent;
  name: string;
  href: string;
  onClick: (click: MouseEvent) => void;
}

function Thumbnail({ event, name, href, onClick }: ThumbnailProps) {
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
    <a class="thumbnail" aria-label={`Show the snapshot: ${name}`} href={href} onClick={onClick}>
      <img src={url} alt="" loading="lazy" decoding="async" width={96} height={72} onError={fail} />
    </a>
  );
}
