import { fromTimestamp, subjects } from "@sightline/contracts";
import { BoundedMap } from "@sightline/service";
import { decodeEvent } from "../feeds/event-format.ts";
import type { StoredMessages, StreamState } from "../feeds/stored-messages.ts";

const readAtATime = 1_024;
/** How many searches are remembered, and for how long, so that all pages of one list share a search. */
const remembered = 4;
const rememberedMs = 60_000;
/** Most events of one search; all of them were open at one moment. */
const mostEvents = 100_000;

/** An event and when it began, in milliseconds. */
export interface EarlyEvent {
  name: string;
  startMs: number;
}

/** Finds events through their last messages, since their first may already be deleted. */
export class EarlyEvents {
  readonly #stored: StoredMessages;
  readonly #found = new BoundedMap<string, Promise<EarlyEvent[]>>(remembered);

  constructor(stored: StoredMessages) {
    this.#stored = stored;
  }

  /**
   * Events of one camera or all that began before a time and of which a message is still stored; newest first. It must read the last
   * message of every event; callers that ask meanwhile share the result.
   */
  find({ identity }: StreamState, before: number, camera: string | undefined): Promise<EarlyEvent[]> {
    const key = `${identity.toString("hex")} ${before} ${camera ?? ""}`;
    const known = this.#found.get(key);
    if (known) return known;
    const found = this.#read(before, camera);
    this.#found.set(key, found);
    const forget = () => {
      if (this.#found.get(key) === found) this.#found.delete(key);
    };
    found.then(() => setTimeout(forget, rememberedMs).unref(), forget);
    return found;
  }

  async #read(before: number, camera: string | undefined): Promise<EarlyEvent[]> {
    const range = this.#stored.lastOfEach(subjects.event(camera ?? "*", "*"));
    const events: EarlyEvent[] = [];
    try {
      while (events.length < mostEvents) {
        const messages = await this.#stored.inTurn(() => range.read(readAtATime));
        if (messages.length === 0) break;
        for (const { subject, data } of messages) {
          const event = readEvent(subject, data);
          if (event && event.startMs < before) events.push(event);
        }
      }
    } finally {
      range.close();
    }
    return events.sort(newestFirst);
  }
}

/** Sorts by when events began, the newest first. */
export function newestFirst(a: EarlyEvent, b: EarlyEvent): number {
  return b.startMs - a.startMs || (a.name < b.name ? 1 : a.name > b.name ? -1 : 0);
}

function readEvent(subject: string, data: Uint8Array): EarlyEvent | undefined {
  try {
    const { name, startTime } = decodeEvent(subject, data);
    return startTime && { name, startMs: fromTimestamp(startTime) };
  } catch {
    // The feed has already logged and counted it.
    return undefined;
  }
}
