import { setTimeout as delay } from "node:timers/promises";
import {
  Event,
  EventPhase,
  type EventReview,
  fromTimestamp,
  parseEventName,
  subjects,
} from "@sightline/contracts";
import type { ListEventsRequest, ListEventsResponse } from "@sightline/contracts/api";
import type { CameraScope } from "../access/camera-scope.ts";
import { ApiError } from "../errors.ts";
import {
  decodeEvent,
  type EventFeedFilter,
  passesFilter,
  passesIgnoringPhase,
  readEventFilter,
} from "../feeds/event-format.ts";
import type { StoredMessages, StreamState } from "../feeds/stored-messages.ts";
import { EarlyEvents, newestFirst } from "./early-events.ts";
import {
  EventPage,
  earlyBefore,
  type ListPosition,
  listToken,
  readListPosition,
} from "./event-list-position.ts";
import { type EventSearch, passesSearch, readEventSearch } from "./event-search.ts";
import {
  clockSlackMs,
  lookUp,
  maxScanMs,
  readTimeRange,
  requireNoLoss,
  type TimeRange,
} from "./history-page.ts";
import { readPage } from "./page-token.ts";

/** How many sequences to scan at a time; for a single camera the server itself skips all others. */
const chunk = { ofAll: 1_024, ofOne: 16_384 };
const readAtATime = 256;
const lookUpsAtATime = 32;
/** If the time range has an end, an event may be missed when its start was stored this long after it began, or later; in milliseconds. */
const maxStoreDelayMs = 60 * 60_000;

/** The first message about an event, and its sequence. */
interface Beginning {
  sequence: number;
  event: Event;
}

/** One call's search and its results. */
interface Look {
  filter: EventFeedFilter;
  search: EventSearch;
  range: TimeRange;
  state: StreamState;
  from: ListPosition;
  /** On the clock of `performance`. */
  deadline: number;
  events: EventPage;
}

/** Stored events, from EVENTS. */
export class EventHistory {
  readonly #stored: StoredMessages;
  readonly #reviewOf: (name: string) => EventReview | undefined;
  readonly #early: EarlyEvents;

  /** `reviewOf`: an event's review, by the event's name. */
  constructor(stored: StoredMessages, reviewOf: (name: string) => EventReview | undefined = () => undefined) {
    this.#stored = stored;
    this.#reviewOf = reviewOf;
    this.#early = new EarlyEvents(stored);
  }

  /** The present state of an event. @throws ApiError invalid_argument, event_not_found, history_unavailable */
  async get(name: string): Promise<Event> {
    if (!parseEventName(name))
      throw new ApiError(
        "invalid_argument",
        "the event's name is not valid; expected cameras/{camera}/events/{event}",
      );
    const found = await lookUp(() => this.#current({ name }));
    if (!found)
      throw new ApiError("event_not_found", `there is no event '${name}', or it is not kept any more`);
    return found.event;
  }

  /**
   * One page of the events of cameras in the scope, newest first by start time, each once and in its present state. It ends early, with a
   * token, at the time or size limit of one call. @throws ApiError invalid_argument, history_unavailable
   */
  async list(request: ListEventsRequest, scope: CameraScope): Promise<ListEventsResponse> {
    const { pageSize, pageToken, ...rest } = request;
    const page = readPage(pageSize, pageToken, rest);
    const filter = readEventFilter(request.filter, scope);
    const search = readEventSearch(request);
    const range = readTimeRange(request.startTime, request.endTime);
    return lookUp(async () => {
      const state = await this.#stored.state();
      const deadline = performance.now() + maxScanMs;
      const at = readListPosition(page, state);
      await requireNoLoss(this.#stored, at?.bound);
      const from = at ?? (await this.#beginning(range, state));
      const events = new EventPage(page.size);
      const look = { filter, search, range, state, from, deadline, events };
      const next = (await this.#listScanned(look)) ?? (await this.#listEarly(look));
      return { events: events.events, nextPageToken: next ? listToken(page, state, next) : "" };
    });
  }

  /** Messages up to `position` are scanned backwards. */
  async #beginning({ end }: TimeRange, state: StreamState): Promise<ListPosition> {
    const early = earlyBefore(state);
    const bound = state.end;
    if (end <= early) return { earlyBefore: early, bound };
    const position =
      end === Infinity ? state.last : (await this.#stored.before(end + maxStoreDelayMs)).sequence;
    return { earlyBefore: early, bound, position };
  }

  /** Events found by their first messages. Returns where the next page begins; undefined when there are no more of these. */
  async #listScanned(look: Look): Promise<ListPosition | undefined> {
    const { filter, range, state, from, deadline, events } = look;
    if (from.position === undefined) return undefined;
    const span = filter.onlyCamera === undefined ? chunk.ofAll : chunk.ofOne;
    const time = { ...range, start: Math.max(range.start, from.earlyBefore) };
    for (let last = from.position; last >= state.first; last -= span) {
      if (performance.now() > deadline) return { ...from, position: last };
      const first = Math.max(state.first, last - span + 1);
      const { beginnings, oldest } = await this.#beginnings(filter, time, first, last);
      for (let i = 0; i < beginnings.length; i += lookUpsAtATime) {
        const some = beginnings.slice(i, i + lookUpsAtATime);
        const current = await Promise.all(some.map(({ event }) => this.#current(event)));
        for (const [index, found] of current.entries())
          if (found && passes(look, found.event) && !events.add(found))
            return { ...from, position: some[index]!.sequence };
      }
      if (oldest < time.start - clockSlackMs) break;
    }
    return undefined;
  }

  /** Events that began so early that their first message may be deleted. Returns where the next page begins. */
  async #listEarly(look: Look): Promise<ListPosition | undefined> {
    const { filter, range, state, deadline, events } = look;
    const from: ListPosition = { ...look.from, position: undefined };
    if (range.start >= from.earlyBefore) return undefined;
    const all = await Promise.race([
      this.#early.find(state, from.earlyBefore, filter.onlyCamera),
      delay(Math.max(1, deadline - performance.now()), undefined, { ref: false }),
    ]);
    if (!all) return from;
    const { after } = from;
    const left = all.filter(
      (event) =>
        event.startMs >= range.start &&
        event.startMs < range.end &&
        (after === undefined || newestFirst(after, event) < 0),
    );
    let listed = after;
    for (let i = 0; i < left.length; i += lookUpsAtATime) {
      if (performance.now() > deadline + maxScanMs) return { ...from, after: listed };
      const some = left.slice(i, i + lookUpsAtATime);
      const current = await Promise.all(some.map((event) => this.#current(event)));
      for (const [index, found] of current.entries()) {
        if (found && passes(look, found.event) && !events.add(found)) return { ...from, after: listed };
        listed = some[index];
      }
    }
    return undefined;
  }

  /** First messages of events within these sequences, newest first; and when the oldest message was stored. */
  async #beginnings(
    filter: EventFeedFilter,
    time: TimeRange,
    first: number,
    last: number,
  ): Promise<{ beginnings: Beginning[]; oldest: number }> {
    const { onlyCamera } = filter;
    const subject = onlyCamera === undefined ? undefined : subjects.event(onlyCamera, "*");
    const range = this.#stored.after(first - 1, subject);
    const beginnings: Beginning[] = [];
    let oldest = Infinity;
    try {
      for (let position = first - 1; position < last; ) {
        const most = Math.min(readAtATime, last - position);
        const messages = await this.#stored.inTurn(() => range.read(most));
        if (messages.length === 0) break;
        for (const { seq, subject, data, timestampNanos } of messages) {
          position = seq;
          if (seq > last) break;
          oldest = Math.min(oldest, Number(timestampNanos) / 1e6);
          const event = readBeginning(subject, data);
          if (event && passesIgnoringPhase(filter, event) && startsIn(time, event))
            beginnings.push({ sequence: seq, event });
        }
      }
    } finally {
      range.close();
    }
    return { beginnings: beginnings.reverse(), oldest };
  }

  async #current({ name }: { name: string }): Promise<{ event: Event; bytes: number } | undefined> {
    const { camera, id } = parseEventName(name)!;
    const data = await this.#stored.last(subjects.event(camera, id));
    const event = data && decoded(data);
    return event && { event: { ...event, review: this.#reviewOf(event.name) }, bytes: data.byteLength };
  }
}

function passes({ filter, search }: Look, event: Event): boolean {
  return passesFilter(filter, event) && passesSearch(search, event, Date.now());
}

/** Undefined for what is not an event: one such message must not hide all others. */
function decoded(data: Uint8Array): Event | undefined {
  try {
    return Event.decode(data);
  } catch {
    return undefined;
  }
}

/** The event of a message, if it is the first one about it; undefined for any other message. */
function readBeginning(subject: string, data: Uint8Array): Event | undefined {
  try {
    const event = decodeEvent(subject, data);
    return event.phase === EventPhase.START || event.phase === EventPhase.ONCE ? event : undefined;
  } catch {
    // The feed has already logged and counted it.
    return undefined;
  }
}

function startsIn({ start, end }: TimeRange, { startTime }: Event): boolean {
  const time = startTime && fromTimestamp(startTime);
  return time !== undefined && time >= start && time < end;
}
