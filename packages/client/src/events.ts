import {
  type CountBy,
  cameraName,
  type Event,
  type EventCount,
  EventFilter as EventFilterMessage,
  type EventPhase,
  EventServiceClient,
  type EventType,
  FrameReference,
} from "@sightline/contracts";
import { type CallSettings, pages } from "./calls.ts";
import type { Snapshot } from "./cameras.ts";
import type { Connection } from "./connection.ts";
import { SightlineError } from "./errors.ts";
import {
  Interruption,
  type ProgressMessage,
  resuming,
  type SubscribeOptions,
  type WithProgress,
} from "./resume.ts";
import { fromGap, type MissingMessages, Place, type Start } from "./start.ts";
import { toTime } from "./time.ts";
import { download, type Video, type VideoSettings } from "./video.ts";

/** Which events to deliver, from where on, and how. */
export interface EventSubscription extends SubscribeOptions {
  /** All unless given. */
  filter?: EventFilter;
  /** Where to begin; "newest" unless given. */
  start?: Start;
}

/** What a subscription to events delivers. One that begins with the `cursor` of a message goes on after it. */
export type EventMessage =
  /** News about an event: its start, an update, its end. The newest is the whole truth. */
  | { kind: "event"; event: Event; cursor: string }
  /** Messages are gone for good here. */
  | { kind: "gap"; gap: MissingMessages; cursor: string };

/** Which events of the past to list. */
export interface EventQuery extends CallSettings {
  /** All unless given; `phases` are those in which the events stand now. */
  filter?: EventFilter;
  /** Events that began at this time or later. */
  from?: Date;
  /** Events that began before this time. */
  to?: Date;
  /** Events whose object had this score at best, or a higher one, 0..1. */
  minScore?: number | undefined;
  /** Events that lasted so many seconds or longer; those that go on last until now. */
  minSeconds?: number | undefined;
  /** Events in whose message, camera, id, class, rule, zone or line each of these words is found. */
  text?: string | undefined;
  /** Only events that somebody has reviewed, or, if false, only those that nobody has; both unless given. */
  reviewed?: boolean | undefined;
  /** Events fetched at a time, 1-1000. */
  pageSize?: number;
}

/** Which events to count, and by what. */
export interface EventCountQuery extends CallSettings {
  /** All unless given; `phases` are those in which the events stand now. */
  filter?: EventFilter;
  /** Events that began at this time or later. */
  from: Date;
  /** Events that began before this time; until now unless given. */
  to?: Date | undefined;
  /** What to count by; all together unless given. */
  by?: readonly CountBy[];
}

/**
 * Events as they happen, and those that happened.
 *
 * @example
 * ```ts
 * for await (const message of client.events.subscribe({ filter: { cameras: ["front"] }, start: "beginning" })) {
 *   if (message.kind === "gap") continue; // Messages that are gone for good.
 *   const kept = await client.events.get(message.event.name);
 *   assert.ok(kept.revision >= message.event.revision);
 *   break;
 * }
 * ```
 */
export class Events {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Iterates over messages about events, in order per camera, until aborted. Nothing is missed and nothing comes twice: a
   * slow loop gets them late, and a lost connection is made again and goes on after the last message that the loop was
   * given, or a later place if nothing came since. @throws SightlineError for what trying again would not change
   */
  subscribe(options: EventSubscription & WithProgress): AsyncGenerator<EventMessage | ProgressMessage, void>;
  subscribe(options?: EventSubscription): AsyncGenerator<EventMessage, void>;
  async *subscribe(
    options: EventSubscription & Partial<WithProgress> = {},
  ): AsyncGenerator<EventMessage | ProgressMessage, void> {
    const place = new Place(options.start ?? "newest");
    const filter = toFilterMessage(options.filter ?? {});
    const answers = resuming(
      this.#connection,
      {
        type: EventServiceClient,
        start: (client) => client.subscribeEvents({ filter, start: place.position, progress: true }),
        onHeaders: (headers) => place.opened(headers),
      },
      options,
    );
    for await (const answer of answers) {
      if (answer instanceof Interruption) continue;
      const { event, cursor } = answer;
      place.passed(cursor);
      if (event?.$case === "happened") yield { kind: "event", event: event.value, cursor };
      else if (event?.$case === "gap") yield { kind: "gap", gap: fromGap(event.value), cursor };
      else if (event?.$case === "progress" && options.progress) yield { kind: "progress", cursor };
    }
  }

  /** Iterates over events that are kept, newest first, each as it stands now. @throws SightlineError */
  async *list(query: EventQuery = {}): AsyncGenerator<Event, void> {
    const request = {
      filter: toFilterMessage(query.filter ?? {}),
      startTime: query.from && toTime(query.from, "from"),
      endTime: query.to && toTime(query.to, "to"),
      minScore: query.minScore ?? 0,
      minDurationSeconds: query.minSeconds ?? 0,
      text: query.text ?? "",
      reviewed: query.reviewed,
      pageSize: query.pageSize ?? 0,
    };
    for await (const { events } of pages(request, (one) =>
      this.#connection.call(EventServiceClient, (client) => client.listEvents, one, query),
    ))
      yield* events;
  }

  /**
   * An event, by its resource name, as it stands now. @throws SightlineError, NOT_FOUND when there is none of that name or it
   * is not kept any more
   */
  async get(name: string, call: CallSettings = {}): Promise<Event> {
    const { event } = await this.#connection.call(
      EventServiceClient,
      (client) => client.getEvent,
      { name },
      call,
    );
    if (!event) throw new SightlineError("INTERNAL", "the server's answer has no event");
    return event;
  }

  /**
   * Counts events that are kept, and the seconds that they lasted, by hour, camera and so on: a count for each combination that occurs.
   * @throws SightlineError, INVALID_ARGUMENT when there are more than 20,000 events in the range
   */
  async count(query: EventCountQuery): Promise<EventCount[]> {
    const request = {
      filter: toFilterMessage(query.filter ?? {}),
      startTime: toTime(query.from, "from"),
      endTime: query.to && toTime(query.to, "to"),
      by: [...(query.by ?? [])],
    };
    const { counts } = await this.#connection.call(
      EventServiceClient,
      (client) => client.countEvents,
      request,
      query,
    );
    return counts;
  }

  /**
   * Marks events, by their resource names, as reviewed for all who see them, or as not reviewed; 1-1000 at a time. Returns the names of
   * those that are kept. @throws SightlineError, PERMISSION_DENIED for callers who are not operators
   */
  async review(
    names: readonly string[],
    { reviewed = true, ...call }: CallSettings & { reviewed?: boolean } = {},
  ): Promise<string[]> {
    const request = { names: [...names], reviewed };
    const answer = await this.#connection.call(
      EventServiceClient,
      (client) => client.reviewEvents,
      request,
      call,
    );
    return answer.names;
  }

  /**
   * The picture with the best view of an event, with its object drawn into it if `annotated`. @throws SightlineError,
   * NOT_FOUND when it has none or it is not kept any more
   */
  async snapshot(name: string, call: CallSettings & { annotated?: boolean } = {}): Promise<Snapshot> {
    const request = { name, annotated: call.annotated ?? false };
    const { content, frame } = await this.#connection.call(
      EventServiceClient,
      (client) => client.getEventSnapshot,
      request,
      call,
    );
    return { jpeg: content, frame: frame ?? FrameReference.create() };
  }

  /**
   * The video of an event, from some seconds before it to some after it, or to now when it is not over. @throws SightlineError,
   * NOT_FOUND when there is no such event, or nothing of it is kept
   */
  async clip(name: string, settings: VideoSettings = {}): Promise<Video> {
    const request = { name, audio: settings.audio };
    return download(this.#connection, (client) => client.downloadEventClip(request), settings);
  }
}

/** Which events are wanted; everything when nothing is given. */
export interface EventFilter {
  /** Camera ids. */
  cameras?: readonly string[];
  types?: readonly EventType[];
  /** Class names; events without a track do not pass when any is given. */
  classes?: readonly string[];
  /** Names of zones. */
  zones?: readonly string[];
  /** Names of rules. */
  rules?: readonly string[];
  phases?: readonly EventPhase[];
  /** Attributes of the object with the values that will do, such as { colour: ["red"] }; all must be met. */
  attributes?: Readonly<Record<string, readonly string[]>>;
}

/** The message form of a filter. */
export function toFilterMessage(filter: EventFilter): EventFilterMessage {
  const { cameras, types, classes, zones, rules, phases, attributes } = filter;
  return EventFilterMessage.fromPartial({
    cameras: cameras?.map(cameraName),
    types: types && [...types],
    classes: classes && [...classes],
    zones: zones && [...zones],
    rules: rules && [...rules],
    phases: phases && [...phases],
    attributes:
      attributes && Object.entries(attributes).map(([name, values]) => ({ name, values: [...values] })),
  });
}
