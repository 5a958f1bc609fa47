import { useSignal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { type EventFilter, listEvents, reviewEvents } from "../api/calls.ts";
import { describeFailure } from "../api/request.ts";
import { leaveOverlay, navigate } from "../routing/navigation.ts";
import { may } from "../state/auth.ts";
import { connectionCount, onEvent, onReview } from "../state/live.ts";
import { useAction } from "../state/use-request.ts";
import { EventDialog } from "./event-dialog.tsx";
import { type EventId, matches, mergeEvents, withReview } from "./event-feed.ts";
import { rememberNames } from "./seen-names.ts";
import { TrackCardRow } from "./track-card-row.tsx";
import { gatherTracks } from "./track-cards.ts";

/**
 * The list restarts with the first page when more events than this have collected: before and after the user has asked for older ones.
 */
const mostNew = 200;
const mostAsked = 5_000;
/** Events of a burst are shown together. */
const gatherMs = 250;

interface Props {
  filter: EventFilter;
  showCamera: boolean;
  /** The open event, from the address. */
  opened: EventId | undefined;
  /** The address of the list with this event open, or with none. */
  addressOf: (event?: EventId) => string;
}

/** Events that pass a filter, newest first: one page at a time, and new ones as they happen. */
export function EventList({ filter, showCamera, opened, addressOf }: Props) {
  const events = useSignal<readonly HttpEvent[] | undefined>(undefined);
  const nextPage = useSignal("");
  const busy = useSignal(false);
  const fault = useSignal("");
  const attempt = useSignal(0);
  const askedForOlder = useRef(false);
  const current = useRef<AbortController | undefined>(undefined);
  const { camera: _own, ...which } = filter;
  // A camera's own page always lists only that camera, so this does not count as a filter of the user.
  const narrowed = Object.values(showCamera ? filter : which).some((value) => value !== "");
  const filterKey = JSON.stringify(filter);
  // Events from the time when the server was away are fetched when it is back.
  const session = Math.max(1, connectionCount.value);

  const load = async (pageToken: string, take: (page: HttpEvent[]) => void, signal?: AbortSignal) => {
    busy.value = true;
    try {
      const page = await listEvents(filter, { pageToken }, signal);
      rememberNames(page.events);
      take(page.events);
      nextPage.value = page.nextPageToken;
      fault.value = "";
    } catch (error) {
      if (!signal?.aborted) fault.value = describeFailure(error);
    } finally {
      busy.value = false;
    }
  };
  const loadOlder = () => {
    askedForOlder.current = true;
    const take = (page: HttpEvent[]) => {
      events.value = mergeEvents(events.peek() ?? [], page);
    };
    // Not if the list restarts in the meantime: the page would not belong there.
    return load(nextPage.value, take, current.current?.signal);
  };

  useEffect(() => {
    events.value = undefined;
  }, [filterKey]);

  useEffect(() => {
    const aborted = new AbortController();
    current.current = aborted;
    let arrived: HttpEvent[] = [];
    let fetched = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      timer = undefined;
      rememberNames(arrived);
      const merged = mergeEvents(events.peek() ?? [], arrived);
      arrived = [];
      events.value = merged;
      // Cutting off the end would leave a gap before the next page.
      if (merged.length > (askedForOlder.current ? mostAsked : mostNew)) attempt.value++;
    };
    const stop = onEvent((event) => {
      if (!matches(event, filter)) return;
      arrived.push(event);
      if (fetched) timer ??= setTimeout(show, gatherMs);
    });
    const stopReviews = onReview((marked) => {
      // This includes events that wait to be shown: one that is marked now may no longer pass the filter.
      const kept = (some: readonly HttpEvent[]) =>
        withReview(some, marked).filter((event) => matches(event, filter));
      arrived = kept(arrived);
      const shown = events.peek();
      if (shown) events.value = kept(shown);
    });
    const takeFirst = (page: HttpEvent[]) => {
      // Replaces the known events: between the two, others may be missing.
      events.value = page;
      askedForOlder.current = false;
      fetched = true;
      show();
    };
    void load("", takeFirst, aborted.signal);
    return () => {
      aborted.abort();
      clearTimeout(timer);
      stop();
      stopReviews();
    };
  }, [filterKey, session, attempt.value]);

  const marking = useAction();
  const mark = (some: readonly EventId[], reviewed: boolean) =>
    void marking.run(() => reviewEvents(some, reviewed));

  const list = events.value;
  const unreviewed = list?.filter(({ review }) => !review) ?? [];
  return (
    <div class="event-list">
      {fault.value !== "" && (
        <p class="fault" role="alert">
          Events could not be fetched. {fault.value}{" "}
          <button type="button" onClick={() => attempt.value++}>
            Try again
          </button>
        </p>
      )}
      {list?.length === 0 && fault.value === "" && (
        <p class="note">
          {narrowed
            ? "No event that is kept passes this filter."
            : `None yet. Rules make events: ${may("operator") ? "draw a zone or a line on a camera's “Zones and rules” page and say what should be reported." : "an operator draws zones and lines and says what should be reported."}`}
        </p>
      )}
      {list === undefined && fault.value === "" && <p class="note">Fetching events …</p>}
      {may("operator") && (
        <div class="buttons">
          <button
            type="button"
            disabled={marking.busy.value || unreviewed.length === 0}
            onClick={() => mark(unreviewed, true)}
          >
            {unreviewed.length === 0
              ? "All that are shown are reviewed"
              : `Mark all shown as reviewed (${unreviewed.length})`}
          </button>
        </div>
      )}
      {marking.fault.value !== "" && (
        <p class="fault" role="alert">
          Could not be marked. {marking.fault.value}
        </p>
      )}
      <ul class="events" data-testid="events" aria-busy={busy.value}>
        {gatherTracks(list ?? []).map((card) => (
          <TrackCardRow
            key={card.key}
            card={card}
            showCamera={showCamera}
            addressOf={addressOf}
            onOpen={(event) => navigate(addressOf(event), { over: true })}
            onReview={mark}
          />
        ))}
      </ul>
      {nextPage.value !== "" && (
        <button type="button" disabled={busy.value} onClick={loadOlder}>
          Older events
        </button>
      )}
      {opened && (
        <EventDialog
          opened={opened}
          list={list ?? []}
          complete={list !== undefined && nextPage.value === ""}
          filter={filter}
          onReview={(event, reviewed) => mark([event], reviewed)}
          onOpen={(event) => navigate(addressOf(event), { replace: true })}
          onClose={() => leaveOverlay(addressOf())}
        />
      )}
    </div>
  );
}
