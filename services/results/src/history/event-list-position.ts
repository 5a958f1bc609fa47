import type { Event } from "@sightline/contracts";
import type { StreamPlace } from "@sightline/service";
import type { StreamState } from "../feeds/stored-messages.ts";
import type { EarlyEvent } from "./early-events.ts";
import { clockSlackMs, maxPageBytes, placeFields, readPlace } from "./history-page.ts";
import { foreignPageToken, type Page, pageTokenAfter } from "./page-token.ts";

/**
 * Where a page of events begins. Events that began at `earlyBefore` or later come first: a backward scan finds their first messages up to
 * `position`. Then come those that began earlier, after the last one listed. The start time of an event never changes, so no event is in
 * both parts.
 */
export interface ListPosition {
  /** In milliseconds; 0 when nothing has been removed from the stream, so that every event has its first message. */
  earlyBefore: number;
  /** The stream's end when the first page was requested. */
  bound: StreamPlace;
  /** Undefined when the scan has reached its end. */
  position?: number | undefined;
  /** The last early event that was listed. */
  after?: EarlyEvent | undefined;
}

/** Events whose first message may have been removed began before this time: all messages that are kept were stored later. */
export function earlyBefore({ first, firstTime = 0 }: StreamState): number {
  return first > 1 && firstTime > 0 ? firstTime + clockSlackMs : 0;
}

/** Reads where a page begins; undefined for the first page. @throws ApiError invalid_argument when the stream is another one now */
export function readListPosition(page: Page, state: StreamState): ListPosition | undefined {
  if (page.after === "") return undefined;
  const [identity, before, sequence, time, position, startMs, name] = page.after.split(" ");
  const numbers = [Number(before), Number(position || 0), Number(startMs || 0)];
  if (identity !== state.identity.toString("hex") || !numbers.every(Number.isFinite))
    throw foreignPageToken();
  return {
    earlyBefore: numbers[0]!,
    bound: readPlace([sequence, time]),
    position: position ? numbers[1] : undefined,
    after: name ? { startMs: numbers[2]!, name } : undefined,
  };
}

/** The token of the page that begins at this position. */
export function listToken(page: Page, state: StreamState, at: ListPosition): string {
  const { position = "", after } = at;
  const fields = [
    state.identity.toString("hex"),
    at.earlyBefore,
    ...placeFields(at.bound),
    position,
    after?.startMs ?? "",
    after?.name ?? "",
  ];
  return pageTokenAfter(page, fields.join(" "));
}

/** The events of one page that have been found so far. */
export class EventPage {
  readonly events: Event[] = [];
  readonly #size: number;
  #bytes = 0;

  /** `size`: most events. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Adds an event with this many bytes. Returns false when the page has no room for it. */
  add({ event, bytes }: { event: Event; bytes: number }): boolean {
    if (this.events.length === this.#size || (this.#bytes > 0 && this.#bytes + bytes > maxPageBytes))
      return false;
    this.events.push(event);
    this.#bytes += bytes;
    return true;
  }
}
