import { useSignal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { clipUrl, type EventFilter, getEvent, snapshotUrl } from "../api/calls.ts";
import { describeFailure } from "../api/request.ts";
import { eventsPath } from "../routing/route.ts";
import { CopyButton } from "../shell/copy-button.tsx";
import { ZoomView } from "../shell/zoom-view.tsx";
import { onReview as listenToReviews } from "../state/live.ts";
import { formatFullTime } from "../words/numbers-and-times.ts";
import { ReviewMark } from "./event-card.tsx";
import { EventClip } from "./event-clip.tsx";
import { type EventId, eventKey, withReview } from "./event-feed.ts";
import { eventFacts, eventSpan, eventTitle } from "./event-words.ts";
import { askNeighbours, type Neighbours, neighboursIn } from "./neighbours.ts";
import { pathOfCamera } from "./seen-names.ts";

interface Props {
  opened: EventId;
  /** The listed events, and whether these are all. */
  list: readonly HttpEvent[];
  complete: boolean;
  filter: EventFilter;
  onOpen: (event: EventId) => void;
  onReview: (event: EventId, reviewed: boolean) => void;
  onClose: () => void;
}

/** One event with its picture, and links to the events before and after it. It has its own address. */
export function EventDialog({ opened, list, complete, filter, onOpen, onReview, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const fetched = useSignal<HttpEvent | undefined>(undefined);
  const asked = useSignal<Neighbours | undefined>(undefined);
  const fault = useSignal("");
  /** Key of the event whose clip is shown. */
  const playing = useSignal("");
  const key = eventKey(opened);
  const event =
    list.find((one) => eventKey(one) === key) ??
    (fetched.value && eventKey(fetched.value) === key ? fetched.value : undefined);
  const known = neighboursIn(list, key, complete);

  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    fault.value = "";
    asked.value = undefined;
    const aborted = new AbortController();
    const ask = async () => {
      if (!event) fetched.value = await getEvent(opened, aborted.signal);
      const about = event ?? fetched.peek();
      if (!known && about) asked.value = await askNeighbours(about, filter, aborted.signal);
    };
    ask().catch((error) => {
      if (!aborted.signal.aborted) fault.value = describeFailure(error);
    });
    return () => aborted.abort();
  }, [key, known === undefined]);

  useEffect(
    () =>
      listenToReviews((marked) => {
        const known = fetched.peek();
        if (known) fetched.value = withReview([known], marked)[0];
      }),
    [],
  );

  const { newer, older } = known ?? asked.value ?? {};
  const onKeyDown = (press: KeyboardEvent) => {
    const to = { ArrowLeft: newer, ArrowRight: older }[press.key];
    if (to && !(press.target as Element).matches(".zoomed, video")) onOpen(to);
  };
  const name = event ? `${eventTitle(event)}, camera ${event.camera}` : `Event of camera ${opened.camera}`;
  return (
    <dialog
      ref={dialog}
      class="event-dialog"
      aria-labelledby="event-dialog-title"
      onClose={onClose}
      onKeyDown={onKeyDown}
    >
      <h2 id="event-dialog-title">{name}</h2>
      {fault.value !== "" && (
        <p class="fault" role="alert">
          {fault.value}
        </p>
      )}
      {!event && fault.value === "" && <p class="note">Fetching the event …</p>}
      {event && (
        <p class="note">
          {formatFullTime(event.startTime)} {eventSpan(event)} ·{" "}
          <a href={pathOfCamera(event.camera)}>{event.camera}</a> · {eventFacts(event)}
        </p>
      )}
      {event && playing.value === key && <EventClip key={key} event={event} name={name} />}
      {event?.hasSnapshot && playing.value !== key && <Snapshot key={key} event={event} name={name} />}
      {event && !event.hasSnapshot && <p class="note">There is no picture of it.</p>}
      <div class="buttons">
        <button type="button" disabled={!newer} onClick={() => newer && onOpen(newer)}>
          ← Newer
        </button>
        <button type="button" disabled={!older} onClick={() => older && onOpen(older)}>
          Older →
        </button>
        {event && (
          <ReviewMark review={event.review} name={name} onReview={(reviewed) => onReview(event, reviewed)} />
        )}
        {event?.hasClip && (
          <button type="button" onClick={() => (playing.value = playing.value === key ? "" : key)}>
            {playing.value === key ? "Show the picture" : "Play the clip"}
          </button>
        )}
        {event?.hasClip && (
          <a class="button" href={clipUrl(event)} download={`${event.camera}-${event.id}.mp4`}>
            Save the clip
          </a>
        )}
        {event?.hasSnapshot && (
          <a class="button" href={snapshotUrl(event, false)} download={`${event.camera}-${event.id}.jpg`}>
            Save without boxes
          </a>
        )}
        <CopyButton
          text={location.origin + eventsPath(new URLSearchParams(), opened)}
          label="Copy the link"
        />
        <button type="button" class="primary" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}

function Snapshot({ event, name }: { event: HttpEvent; name: string }) {
  const aspect = useSignal(4 / 3);
  return (
    <ZoomView aspect={aspect.value} highest="58vh">
      <img
        src={`${snapshotUrl(event, true)}&revision=${event.revision}`}
        alt={`Snapshot: ${name}`}
        draggable={false}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
          if (naturalHeight > 0) aspect.value = naturalWidth / naturalHeight;
        }}
      />
    </ZoomView>
  );
}
