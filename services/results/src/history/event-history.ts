import {
  Event,
  EventPhase,
  fromTimestamp,
  type ListEventsRequest,
  type ListEventsResponse,
  parseEventName,
  subjects,
} from "@sightline/contracts";
import {
  type EventFilter,
  passesFilter,
  passesIgnoringPhase,
  readEventFilter,
} from "../feeds/event-filter.ts";
import { decodeEvent } from "../feeds/event-format.ts";
import type { StoredMessages, StreamState } from "../feeds/stored-messages.ts";
import { ApiError } from "../grpc/errors.ts";
import { type Page, readPage } from "../grpc/page-token.ts";
import {
  clockSlackMs,
  lookUp,
  maxPageBytes,
  maxScanMs,
  readScanPosition,
  readTimeRange,
  type ScanPosition,
  scanToken,
  type TimeRange,
} from "./history-page.ts";

/** How many sequences are looked through at a time; of a single camera the server passes over all others' by itself. */
const chunk = { ofAll: 1_024, ofOne: 16_384 };
const readAtATime = 256;
const lookUpsAtATime = 32;
/** An event whose start was stored this long after it, or later, may be missed when an end is given, in milliseconds. */
const maxStoreDelayMs = 60 * 60_000;

/** The first message about an event, and its sequence. */
interface Beginning {
  sequence: number;
  event: Event;
}

/** Events as they are kept in EVENTS. */
export class EventHistory {
  readonly #stored: StoredMessages;

  constructor(stored: StoredMessages) {
    this.#stored = stored;
  }

  /** An event as it stands now. @throws ApiError invalid_argument, event_not_found, history_unavailable */
  async get(name: string): Promise<Event> {
    const parts = parseEventName(name);
    if (!parts)
      throw new ApiError(
        "invalid_argument",
        "the event's name is not valid; expected cameras/{camera}/events/{event}",
      );
    const data = await lookUp(() => this.#stored.last(subjects.event(parts.camera, parts.id)));
    if (!data)
      throw new ApiError("event_not_found", `there is no event '${name}', or it is not kept any more`);
    return Event.decode(data);
  }

  /**
   * One page, newest first by when events began, each once and as it stands now. It ends early, with a token, when it
   * has taken as much time or is as large as one call may. @throws ApiError invalid_argument, history_unavailable
   */
  async list(request: ListEventsRequest): Promise<ListEventsResponse> {
    const { pageSize, pageToken, ...rest } = request;
    const page = readPage(pageSize, pageToken, rest);
    const filter = readEventFilter(request.filter);
    const range = readTimeRange(request.startTime, request.endTime);
    return lookUp(async () => {
      const state = await this.#stored.state();
      const from = readScanPosition(page, state) ?? (await this.#beginning(range, state));
      return this.#scan(filter, range, page, state, from.position);
    });
  }

  /** Messages up to `position` are looked through, backwards. */
  async #beginning({ end }: TimeRange, state: StreamState): Promise<ScanPosition> {
    if (end === Infinity) return { position: state.last, bound: 0 };
    return { position: await this.#stored.before(end + maxStoreDelayMs), bound: 0 };
  }

  async #scan(
    filter: EventFilter,
    range: TimeRange,
    page: Page,
    state: StreamState,
    from: number,
  ): Promise<ListEventsResponse> {
    const deadline = performance.now() + maxScanMs;
    const span = filter.onlyCamera === undefined ? chunk.ofAll : chunk.ofOne;
    const events: Event[] = [];
    let bytes = 0;
    const pageUpTo = (position: number) => ({
      events,
      nextPageToken: position < state.first ? "" : scanToken(page, state, { position, bound: 0 }),
    });
    for (let last = from; last >= state.first; last -= span) {
      if (performance.now() > deadline) return pageUpTo(last);
      const first = Math.max(state.first, last - span + 1);
      const { beginnings, oldest } = await this.#beginnings(filter, range, first, last);
      for (let i = 0; i < beginnings.length; i += lookUpsAtATime) {
        const some = beginnings.slice(i, i + lookUpsAtATime);
        const current = await Promise.all(some.map(({ event }) => this.#current(event)));
        for (const [index, found] of current.entries()) {
          if (!found || !passesFilter(filter, found.event)) continue;
          if (events.length === page.size || (bytes > 0 && bytes + found.bytes > maxPageBytes))
            return pageUpTo(some[index]!.sequence);
          events.push(found.event);
          bytes += found.bytes;
        }
      }
      if (oldest < range.start - clockSlackMs) break;
    }
    return { events, nextPageToken: "" };
  }

  /** Beginnings of events among the messages of these sequences, newest first; and when the oldest message was stored. */
  async #beginnings(
    filter: EventFilter,
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

  async #current({ name }: Event): Promise<{ event: Event; bytes: number } | undefined> {
    const { camera, id } = parseEventName(name)!;
    const data = await this.#stored.last(subjects.event(camera, id));
    return data && { event: Event.decode(data), bytes: data.byteLength };
  }
}

/** The event of a message that is the first about it; undefined for any other message. */
function readBeginning(subject: string, data: Uint8Array): Event | undefined {
  try {
    const event = decodeEvent(subject, data);
    return event.phase === EventPhase.START || event.phase === EventPhase.ONCE ? event : undefined;
  } catch {
    // It was logged and counted when the feed came to it.
    return undefined;
  }
}

function startsIn({ start, end }: TimeRange, { startTime }: Event): boolean {
  const time = startTime && fromTimestamp(startTime);
  return time !== undefined && time >= start && time < end;
}
