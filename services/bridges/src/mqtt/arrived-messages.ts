import type { Event } from "@sightline/client";
import { BoundedMap } from "@sightline/service";
import type { FrigateObject } from "./frigate-event.ts";

const mostEvents = 4096;

interface Known {
  revision: number;
  /** What was published of it; undefined when it is about no object. */
  object: FrigateObject | undefined;
}

/** Messages about events, the newest about each; those about which nothing came for longest are forgotten. */
class NewestMessages {
  readonly #known = new BoundedMap<string, Known>(mostEvents);

  note({ name, revision }: Event, object: FrigateObject | undefined): void {
    if ((this.#known.get(name)?.revision ?? 0) >= revision) return;
    this.#known.set(name, { revision, object });
  }

  /** What was published of an event before this message. */
  of({ name, revision }: Event): FrigateObject | undefined {
    const known = this.#known.get(name);
    return known && known.revision < revision ? known.object : undefined;
  }

  /** Lets another begin with what is known here. */
  protected copyTo(other: NewestMessages): void {
    for (const [name, known] of this.#known) other.#known.set(name, known);
  }

  has({ name, revision }: Event): boolean {
    return (this.#known.get(name)?.revision ?? 0) >= revision;
  }
}

/** What the broker is known to have. Messages come again when only their acknowledgement was lost. */
export class ArrivedMessages extends NewestMessages {
  /** What a session has published: begins with what arrived, and runs ahead of it. */
  former(): NewestMessages {
    const former = new NewestMessages();
    this.copyTo(former);
    return former;
  }
}
