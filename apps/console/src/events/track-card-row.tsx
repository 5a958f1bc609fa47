import { useSignal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { cameraPath } from "../routing/route.ts";
import { plural } from "../words/numbers.ts";
import { formatDayTime, formatFullTime } from "../words/times.ts";
import { eventKey } from "./event-feed.ts";
import { EventRow } from "./event-row.tsx";
import { eventFacts, eventSpan, trackTitle } from "./event-words.ts";
import { ReviewMark } from "./review-mark.tsx";
import { Thumbnail } from "./thumbnail.tsx";
import { bestPictured, type TrackCard, wholeSpan } from "./track-cards.ts";

interface Props {
  card: TrackCard;
  showCamera: boolean;
  addressOf: (event: HttpEvent) => string;
  onOpen: (event: HttpEvent) => void;
  onReview: (events: readonly HttpEvent[], reviewed: boolean) => void;
}

/** What one track did, as one card that unfolds to its events; a single event is a row of its own. */
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
  const lasted = eventSpan({ ...newest, ...span, phase: "end" });
  const name = trackTitle(events);
  const href = addressOf(best);
  const rules = [...new Set(events.map(({ rule }) => rule))].reverse().join(", ");
  const open = (click: MouseEvent) => {
    if (click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey) return;
    click.preventDefault();
    onOpen(best);
  };
  return (
    <li data-event={eventKey(events.at(-1)!)} class={`event track ${span.endTime === null ? "open" : ""}`}>
      <Thumbnail event={best} name={name} href={href} onClick={open} />
      <div class="event-text">
        <p class="event-title">
          <a href={href} onClick={open}>
            {name}
          </a>
        </p>
        <p class="event-when">
          <time dateTime={span.startTime} title={formatFullTime(span.startTime)}>
            {formatDayTime(span.startTime)}
          </time>
          {lasted !== "" && <span class="event-span"> {lasted}</span>}
        </p>
        <p class="note">
          {showCamera && <a href={cameraPath(best.camera)}>{best.camera}</a>}{" "}
          {eventFacts({ ...best, rule: rules })}
        </p>
        <ReviewMark
          review={events.every(({ review }) => review) ? best.review : undefined}
          name={name}
          onReview={(reviewed) =>
            onReview(
              events.filter(({ review }) => (review !== undefined) !== reviewed),
              reviewed,
            )
          }
        />
        <details class="track-events" onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}>
          <summary aria-label={`${plural(events.length, "event")}: ${name}`}>
            {plural(events.length, "event")}
          </summary>
          {isOpen.value && <ul class="events">{events.map(row)}</ul>}
        </details>
      </div>
    </li>
  );
}
