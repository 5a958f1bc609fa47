import type { Event } from "@sightline/client";
import { BoundedMap } from "@sightline/service";
import type { FrigateObject } from "./frigate-event.ts";

const mostEvents = 4096;

interface Known {
  revision: number;
  /** The object that was published; undefined when the message is about no object. */
  object: FrigateObject | undefined;
}

/** The newest message about each event; the events without a message for the longest time are forgotten. */
class NewestMessages {
  readonly #known = new BoundedMap<string, Known>(mostEvents);

  note({ name, revision }: Event, object: FrigateObject | undefined): void {
    if ((this.#known.get(name)?.revision ?? 0) >= revision) return;
    this.#known.set(name, { revision, object });
  }

  /** What was published about an event before this message. */
  of({ name, revision }: Event): FrigateObject | undefined {
    const known = this.#known.get(name);
    return known && known.revision < revision ? known.object : undefined;
  }

  /** Copies what is known here to another object. */
  protected copyTo(other: NewestMessages): void {
    for (const [name, known] of this.#known) other.#known.set(name, known);
  }

  has({ name, revision }: Event): boolean {
    return (this.#known.get(name)?.revision ?? 0) >= revision;
  }
}

/** What the broker is known to have received. A message comes again when only its acknowledgement was lost. */
export class ArrivedMessages extends NewestMessages {
  /** The state for what a session has published: it begins with what arrived, and runs ahead of it. */
  former(): NewestMessages {
    const former = new NewestMessages();
    this.copyTo(former);
    return former;
  }
}
