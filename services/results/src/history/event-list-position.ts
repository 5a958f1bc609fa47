import type { Event } from "@sightline/contracts";
import type { StreamPlace } from "@sightline/service";
import type { StreamState } from "../feeds/stored-messages.ts";
import { foreignPageToken, type Page, pageTokenAfter } from "../grpc/page-token.ts";
import type { EarlyEvent } from "./early-events.ts";
import { clockSlackMs, maxPageBytes, placeFields, readPlace } from "./history-page.ts";

/**
 * Where a page of events begins. Events that began at `earlyBefore` or later come first, as a scan backwards finds their
 * beginnings up to `position`; then those that began earlier, after the one that was listed last. When an event began never
 * changes, so none is in both parts.
 */
export interface ListPosition {
  /** In milliseconds; 0 when nothing has been removed from the stream, so that every event has its beginning. */
  earlyBefore: number;
  /** The stream's end when the first page was asked for. */
  bound: StreamPlace;
  /** Undefined once the scan is at its end. */
  position?: number | undefined;
  /** The last of the early ones that was listed. */
  after?: EarlyEvent | undefined;
}

/** Before when an event began whose first message may have been removed: all that is kept later was stored later. */
export function earlyBefore({ first, firstTime = 0 }: StreamState): number {
  return first > 1 && firstTime > 0 ? firstTime + clockSlackMs : 0;
}

/** Reads where a page begins; undefined for the first. @throws ApiError invalid_argument when the stream is another now */
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

/** The token of the page that begins there. */
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

/** The events of one page, as far as they are found. */
export class EventPage {
  readonly events: Event[] = [];
  readonly #size: number;
  #bytes = 0;

  /** `size`: most events. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Adds an event of so many bytes. Returns false when the page has no room for it. */
  add({ event, bytes }: { event: Event; bytes: number }): boolean {
    if (this.events.length === this.#size || (this.#bytes > 0 && this.#bytes + bytes > maxPageBytes))
      return false;
    this.events.push(event);
    this.#bytes += bytes;
    return true;
  }
}
