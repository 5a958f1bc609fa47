import { type Event, EventPhase, EventType, parseEventName } from "@sightline/contracts";

/** How many objects of a class there are in a place. */
export interface Count {
  /** A camera's id or a zone's name. */
  place: string;
  kind: "camera" | "zone";
  /** Name of the class; `all` for all of them. */
  label: string;
  count: number;
}

interface OpenObject {
  camera: string;
  track: string;
  label: string;
  zone: string;
}

/** Types of events that last as long as an object is somewhere. */
const lasting: ReadonlySet<EventType> = new Set([
  EventType.APPEARED,
  EventType.ENTERED_ZONE,
  EventType.DWELLED,
]);

/** Counts the objects that open events are about, each once, however many events it has. */
export class ObjectCounts {
  readonly #open = new Map<string, OpenObject>();
  /** Applied since a list of what is open was asked for. */
  #meanwhile: Event[] | undefined;
  readonly #known = new Map<string, Omit<Count, "count">>();

  /** Takes note of an event; returns the counts that it may have changed. */
  apply(event: Event): Count[] {
    const object = toOpenObject(event);
    if (!object) return [];
    this.#meanwhile?.push(event);
    if (event.phase === EventPhase.END) this.#open.delete(event.name);
    else this.#open.set(event.name, object);
    return this.#places(object).map((place) => this.#count(place));
  }

  /** Counts anew from what is open. Events may be applied while the list of those is still on its way; throws what it throws. */
  async recount(list: () => Promise<readonly Event[]>): Promise<void> {
    const meanwhile: Event[] = [];
    this.#meanwhile = meanwhile;
    const open = await list().finally(() => {
      this.#meanwhile = undefined;
    });
    this.#open.clear();
    for (const event of [...open, ...meanwhile]) this.apply(event);
  }

  /** All counts of places and classes that there have ever been. */
  all(): Count[] {
    return [...this.#known.values()].map((place) => this.#count(place));
  }

  /** Forgets a camera; returns its own counts and those of its zones, none of which counts it any more. */
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
