import type { Event } from "@sightline/contracts";
import { maxPageBytes } from "./history-page.ts";

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
