import type { HttpEvent } from "@sightline/contracts";
import { cameraPath } from "../routing/route.ts";
import { formatDayTime, formatFullTime } from "../words/times.ts";
import { eventKey } from "./event-feed.ts";
import { eventFacts, eventSpan, eventTitle } from "./event-words.ts";
import { ReviewMark } from "./review-mark.tsx";
import { Thumbnail } from "./thumbnail.tsx";

interface Props {
  event: HttpEvent;
  showCamera: boolean;
  /** The event's own address; a click there opens it here. */
  href: string;
  onOpen: () => void;
  onReview: (reviewed: boolean) => void;
}

/** One event: its snapshot, what happened, when and for how long. */
export function EventRow({ event, showCamera, href, onOpen, onReview }: Props) {
  const span = eventSpan(event);
  const name = eventTitle(event);
  const open = (click: MouseEvent) => {
    if (click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey) return;
    click.preventDefault();
    onOpen();
  };
  return (
    <li
      data-event={eventKey(event)}
      class={`event ${event.type} ${event.endTime === null && event.phase !== "once" ? "open" : ""}`}
    >
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
        <ReviewMark review={event.review} name={name} onReview={onReview} />
      </div>
    </li>
  );
}
