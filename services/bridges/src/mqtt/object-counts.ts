import { type Event, EventPhase, EventType, parseEventName } from "@sightline/contracts";

/** Number of objects of a class in a place. */
export interface Count {
  /** A camera's id or a zone's name. */
  place: string;
  kind: "camera" | "zone";
  /** Name of the class; `all` for all classes together. */
  label: string;
  count: number;
}

interface OpenObject {
  camera: string;
  track: string;
  label: string;
  zone: string;
}

/** Types of events that last as long as an object stays somewhere. */
const lasting: ReadonlySet<EventType> = new Set([
  EventType.APPEARED,
  EventType.ENTERED_ZONE,
  EventType.DWELLED,
]);

/** Counts the objects of open events. Each object is counted once, however many events it has. */
export class ObjectCounts {
  readonly #open = new Map<string, OpenObject>();
  /** Events that were applied since the list of open ones was requested. */
  #meanwhile: Event[] | undefined;
  readonly #known = new Map<string, Omit<Count, "count">>();

  /** Applies an event; returns the counts that it may have changed. */
  apply(event: Event): Count[] {
    const object = toOpenObject(event);
    if (!object) return [];
    this.#meanwhile?.push(event);
    if (event.phase === EventPhase.END) this.#open.delete(event.name);
    else this.#open.set(event.name, object);
    return this.#places(object).map((place) => this.#count(place));
  }

  /**
   * Counts again from the open events. Events may be applied while `list` is still running.
   * @throws the errors of `list`
   */
  async recount(list: () => Promise<readonly Event[]>): Promise<void> {
    const meanwhile: Event[] = [];
    this.#meanwhile = meanwhile;
    const open = await list().finally(() => {
      this.#meanwhile = undefined;
    });
    this.#open.clear();
    for (const event of [...open, ...meanwhile]) this.apply(event);
  }

  /** The counts of all places and classes seen so far. */
  all(): Count[] {
    return [...this.#known.values()].map((place) => this.#count(place));
  }

  /** Forgets a camera; returns its own counts and those of its zones, which no longer include it. */
  forget(camera: string): Count[] {
    const gone: Count[] = [];
    for (const [name, object] of this.#open)
      if (object.camera === camera) {
        this.#open.delete(name);
        gone.push(...this.#places(object).map((place) => this.#count(place)));
      }
    for (const [key, { place, kind }] of this.#known)
      if (kind === "camera" && place === camera) this.#known.delete(key);
    return gone;
  }

  #places({ camera, label, zone }: OpenObject): Omit<Count, "count">[] {
    const places: Omit<Count, "count">[] = [];
    for (const each of [label, "all"]) {
      places.push({ place: camera, kind: "camera", label: each });
      if (zone !== "") places.push({ place: zone, kind: "zone", label: each });
    }
    for (const place of places) this.#known.set(`${place.kind} ${place.place} ${place.label}`, place);
    return places;
  }

  #count({ place, kind, label }: Omit<Count, "count">): Count {
    const objects = new Set<string>();
    for (const object of this.#open.values())
      if (object[kind] === place && (label === "all" || object.label === label))
        objects.add(`${object.camera} ${object.track}`);
    return { place, kind, label, count: objects.size };
  }
}

function toOpenObject({ name, type, track, zone }: Event): OpenObject | undefined {
  const { camera } = parseEventName(name) ?? {};
  if (camera === undefined || !track || !lasting.has(type)) return undefined;
  return { camera, track: track.id, label: track.className, zone };
}
