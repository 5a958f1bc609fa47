import type { HttpEvent } from "@sightline/contracts";
import { EventCard } from "./event-card.tsx";
import { eventKey } from "./event-feed.ts";
import { eventSpan, eventTitle } from "./event-words.ts";

interface Props {
  event: HttpEvent;
  showCamera: boolean;
  /** The event's own address; a click there opens it here. */
  href: string;
  onOpen: () => void;
  onReview: (reviewed: boolean) => void;
}

/** One event. */
export function EventRow({ event, ...rest }: Props) {
  const isOpen = event.endTime === null && event.phase !== "once";
  return (
    <EventCard
      id={eventKey(event)}
      kind={`${event.type} ${isOpen ? "open" : ""}`}
      name={eventTitle(event)}
      event={event}
      startTime={event.startTime}
      span={eventSpan(event)}
      review={event.review}
      {...rest}
    />
  );
}
