import { useSignal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { plural } from "../words/numbers-and-times.ts";
import { EventCard } from "./event-card.tsx";
import { eventKey } from "./event-feed.ts";
import { eventSpan, eventTitle, trackTitle } from "./event-words.ts";
import { bestPictured, type TrackCard, wholeSpan } from "./track-cards.ts";

interface Props {
  card: TrackCard;
  showCamera: boolean;
  addressOf: (event: HttpEvent) => string;
  onOpen: (event: HttpEvent) => void;
  onReview: (events: readonly HttpEvent[], reviewed: boolean) => void;
}

/** What one track did, as a card that opens to its events; a single event is a plain row. */
export function TrackCardRow({ card: { events }, showCamera, addressOf, onOpen, onReview }: Props) {
  const isOpen = useSignal(false);
  const [newest, ...before] = events;
  const row = (event: HttpEvent) => (
    <EventRow
      key={eventKey(event)}
      event={event}
      showCamera={showCamera}
      href={addressOf(event)}
      onOpen={() => onOpen(event)}
      onReview={(reviewed) => onReview([event], reviewed)}
    />
  );
  if (!newest || before.length === 0) return newest ? row(newest) : null;
  const best = bestPictured(events);
  const span = wholeSpan(events);
  const name = trackTitle(events);
  const rules = [...new Set(events.map(({ rule }) => rule))].reverse().join(", ");
  return (
    <EventCard
      id={eventKey(events.at(-1)!)}
      kind={`track ${span.endTime === null ? "open" : ""}`}
      name={name}
      event={{ ...best, rule: rules }}
      startTime={span.startTime}
      span={eventSpan({ ...newest, ...span, phase: "end" })}
      review={events.every(({ review }) => review) ? best.review : undefined}
      showCamera={showCamera}
      href={addressOf(best)}
      onOpen={() => onOpen(best)}
      onReview={(reviewed) =>
        onReview(
          events.filter(({ review }) => (review !== undefined) !== reviewed),
          reviewed,
        )
      }
    >
      <details class="track-events" onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}>
        <summary aria-label={`${plural(events.length, "event")}: ${name}`}>
          {plural(events.length, "event")}
        </summary>
        {isOpen.value && <ul class="events">{events.map(row)}</ul>}
      </details>
    </EventCard>
  );
}

interface RowProps {
  event: HttpEvent;
  showCamera: boolean;
  /** The event's own address; a click opens it in this page. */
  href: string;
  onOpen: () => void;
  onReview: (reviewed: boolean) => void;
}

/** One event. */
function EventRow({ event, ...rest }: RowProps) {
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
