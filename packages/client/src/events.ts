import {
  cameraName,
  type Event,
  type EventPhase,
  type EventType,
  FrameReference,
} from "@sightline/contracts";
import {
  type CountBy,
  type EventCount,
  EventFilter as EventFilterMessage,
  EventServiceClient,
} from "@sightline/contracts/api";
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
import { downloadVideo, type Video, type VideoSettings } from "./video.ts";

/** Which events to deliver, where to begin, and how. */
export interface EventSubscription extends SubscribeOptions {
  /** All events by default. */
  filter?: EventFilter;
  /** Where to begin; default "newest". */
  start?: Start;
}

/** What a subscription to events delivers. A subscription that starts with a message's `cursor` continues after that message. */
export type EventMessage =
  /** A message about an event: its start, an update, or its end. The newest message contains everything. */
  | { kind: "event"; event: Event; cursor: string }
  /** Messages are permanently lost here. */
  | { kind: "gap"; gap: MissingMessages; cursor: string };

/** Which stored events to list. */
export interface EventQuery extends CallSettings {
  /** All events by default. `phases` are compared with the events' present phases. */
  filter?: EventFilter;
  /** Events that began at this time or later. */
  from?: Date;
  /** Events that began before this time. */
  to?: Date;
  /** Events whose object had a best score of at least this, 0..1. */
  minScore?: number | undefined;
  /** Events that lasted at least this many seconds. Open events last until now. */
  minSeconds?: number | undefined;
  /** Events that contain each of these words in message, camera, id, class, rule, zone or line. */
  text?: string | undefined;
  /** True: only reviewed events. False: only events that nobody has reviewed. Default: both. */
  reviewed?: boolean | undefined;
  /** Events fetched at a time, 1-1000. */
  pageSize?: number;
}

/** Which events to count, and how to group them. */
export interface EventCountQuery extends CallSettings {
  /** All events by default. `phases` are compared with the events' present phases. */
  filter?: EventFilter;
  /** Events that began at this time or later. */
  from: Date;
  /** Events that began before this time; default now. */
  to?: Date | undefined;
  /** How to group the counts; by default one count for all events. */
  by?: readonly CountBy[];
}

/**
 * New events as they happen, and stored ones.
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
   * Iterates over messages about events, in order for each camera, until aborted. Nothing is missed and nothing comes twice: a
   * slow loop gets messages late. After a lost connection it reconnects and continues after the last message that the loop
   * got, or at a later place if nothing came since. @throws SightlineError for errors that a retry cannot fix
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

  /** Iterates over stored events, newest first, each in its present state. @throws SightlineError */
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
   * Returns an event in its present state, by its resource name. @throws SightlineError, NOT_FOUND if there is none of that name or it
   * is no longer stored
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
   * Counts stored events and sums their seconds, by hour, camera and so on, with one count for each combination that occurs.
   * @throws SightlineError, INVALID_ARGUMENT if the range has more than 20,000 events
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
   * Marks events, by their resource names, as reviewed or not reviewed, for all users; 1-1000 at a time. Returns the names of
   * the events that are stored. @throws SightlineError, PERMISSION_DENIED for callers who are not operators
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
   * NOT_FOUND if it has none or the picture is no longer stored
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
   * The video of an event, from some seconds before it to some seconds after it, or until now if it is open. @throws SightlineError,
   * NOT_FOUND if there is no such event, or no video of it is kept
   */
  async clip(name: string, settings: VideoSettings = {}): Promise<Video> {
    const request = { name, audio: settings.audio };
    return downloadVideo(this.#connection, (client) => client.downloadEventClip(request), settings);
  }
}

/** Which events to deliver. Without any field, all. */
export interface EventFilter {
  /** Camera ids. */
  cameras?: readonly string[];
  types?: readonly EventType[];
  /** Class names. If any is given, events without a track do not pass. */
  classes?: readonly string[];
  /** Names of zones. */
  zones?: readonly string[];
  /** Names of rules. */
  rules?: readonly string[];
  phases?: readonly EventPhase[];
  /** Attributes of the object with the accepted values, such as { colour: ["red"] }. All must match. */
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
