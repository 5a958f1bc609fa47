import type { HttpEvent, HttpReview } from "@sightline/contracts";
import type { ComponentChildren } from "preact";
import { may } from "../state/auth.ts";
import { formatDayTime, formatFullTime } from "../words/numbers-and-times.ts";
import { eventFacts } from "./event-words.ts";
import { pathOfCamera } from "./seen-names.ts";
import { Thumbnail } from "./thumbnail.tsx";

interface Props {
  /** Identifies the card in the page. */
  id: string;
  /** Kind of the card, in addition to `event`. */
  kind: string;
  name: string;
  /** The event whose picture and facts are shown. */
  event: HttpEvent;
  startTime: string;
  /** The duration in words; empty for a momentary event. */
  span: string;
  /** Undefined unless all of it is reviewed. */
  review: HttpEvent["review"];
  showCamera: boolean;
  /** The event's own address; a click opens it in this page. */
  href: string;
  onOpen: () => void;
  onReview: (reviewed: boolean) => void;
  children?: ComponentChildren;
}

/** A card in a list of events: a snapshot, what happened, when and for how long. */
export function EventCard(props: Props) {
  const { id, kind, name, event, startTime, span, review, showCamera, href, onOpen, onReview, children } =
    props;
  const open = (click: MouseEvent) => {
    if (click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey) return;
    click.preventDefault();
    onOpen();
  };
  return (
    <li data-event={id} class={`event ${kind}`}>
      <Thumbnail event={event} name={name} href={href} onClick={open} />
      <div class="event-text">
        <p class="event-title">
          <a href={href} onClick={open}>
            {name}
          </a>
        </p>
        <p class="event-when">
          <time dateTime={startTime} title={formatFullTime(startTime)}>
            {formatDayTime(startTime)}
          </time>
          {span !== "" && <span class="event-span"> {span}</span>}
        </p>
        <p class="note">
          {showCamera && <a href={pathOfCamera(event.camera)}>{event.camera}</a>} {eventFacts(event)}
        </p>
        <ReviewMark review={review} name={name} onReview={onReview} />
        {children}
      </div>
    </li>
  );
}

interface ReviewMarkProps {
  /** Undefined when nobody has reviewed it. */
  review: HttpReview | undefined;
  /** What happened, in one line. */
  name: string;
  onReview: (reviewed: boolean) => void;
}

/** Shows whether somebody has reviewed an event; operators can change it here. */
export function ReviewMark({ review, name, onReview }: ReviewMarkProps) {
  const isReviewed = review !== undefined;
  const by =
    review && `${review.user === "local" ? "" : `by ${review.user}, `}${formatFullTime(review.time)}`;
  if (!may("operator")) return isReviewed ? <p class="note">✓ Reviewed {by}</p> : null;
  return (
    <button
      type="button"
      class="review"
      aria-pressed={isReviewed}
      aria-label={`Reviewed: ${name}`}
      title={isReviewed ? `Reviewed ${by}` : "Mark as reviewed, for all who see it"}
      onClick={() => onReview(!isReviewed)}
    >
      {isReviewed ? "✓ Reviewed" : "Reviewed?"}
    </button>
  );
}
