import { setTimeout as delay } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import { EventReview, parseEventName, subjects, toTimestamp } from "@sightline/contracts";
import type { ReviewEventsResponse } from "@sightline/contracts/api";
import type { KvMirror, Logger, Nats } from "@sightline/service";
import type { CameraScope } from "../access/camera-scope.ts";
import { ApiError } from "../errors.ts";
import type { StoredMessages } from "../feeds/stored-messages.ts";
import { lookUp } from "./history-page.ts";

const mostNames = 1_000;
const atATime = 32;
const sweepMs = 60 * 60_000;

type EventId = { camera: string; id: string };

/**
 * Which events have been reviewed. A review is removed with its event: by the age of events, by `camera forget`, and within an hour when
 * events are removed because they need too many bytes.
 */
export class EventReviews {
  readonly #nats: Nats;
  readonly #kv: KV;
  readonly #mirror: KvMirror<EventReview>;
  readonly #events: StoredMessages;
  readonly #maxAgeSeconds: number;
  readonly #log: Logger;
  readonly #stopped = new AbortController();

  /** `maxAgeSeconds`: how long events are kept; 0 means no limit. */
  constructor(
    nats: Nats,
    kv: KV,
    mirror: KvMirror<EventReview>,
    events: StoredMessages,
    maxAgeSeconds: number,
    log: Logger,
  ) {
    this.#nats = nats;
    this.#kv = kv;
    this.#mirror = mirror;
    this.#events = events;
    this.#maxAgeSeconds = maxAgeSeconds;
    this.#log = log;
  }

  /** Limits the age of what is stored, including the markers of removed reviews, and begins to sweep. */
  async start(): Promise<void> {
    const { streams } = this.#nats.manager;
    const { config } = (await this.#kv.status()).streamInfo;
    const maxAge = this.#maxAgeSeconds * 1_000_000_000;
    // NATS refuses a window that is longer than messages are kept.
    const duplicate_window = maxAge > 0 ? Math.min(config.duplicate_window, maxAge) : config.duplicate_window;
    if (config.max_age !== maxAge)
      await streams.update(config.name, { ...config, max_age: maxAge, duplicate_window });
    void this.#sweepNowAndThen();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
  }

  /** An event's review; undefined when nobody has reviewed it, or the name is not valid. */
  find(name: string): EventReview | undefined {
    const event = parseEventName(name);
    return event && this.#mirror.get(keyOf(event));
  }

  /** Calls `listener` with each event whose review changes, until the returned function is called. */
  onChange(listener: (event: EventId, review: EventReview | undefined) => void): () => void {
    return this.#mirror.onChange(({ key, value }) => listener(eventOf(key), value));
  }

  /**
   * Marks those of the named events that are stored and in the scope. An event that is already marked does not change.
   * @throws ApiError invalid_argument, history_unavailable
   */
  async mark(
    names: readonly string[],
    reviewed: boolean,
    scope: CameraScope,
    user: string,
  ): Promise<ReviewEventsResponse> {
    if (names.length < 1 || names.length > mostNames)
      throw new ApiError("invalid_argument", `${names.length} events are named; expected 1 to ${mostNames}`);
    const events = [...new Set(names)].map((name) => ({ name, ...readName(name) }));
    const seen = events.filter(({ camera }) => scope.sees(camera));
    const review = EventReview.fromPartial({ user, time: toTimestamp(Date.now()) });
    const marked: string[] = [];
    await lookUp(async () => {
      for (let i = 0; i < seen.length; i += atATime)
        await Promise.all(
          seen.slice(i, i + atATime).map(async (event) => {
            if (!(await this.#events.last(subjects.event(event.camera, event.id)))) return;
            await this.#set(keyOf(event), reviewed ? review : undefined);
            marked.push(event.name);
          }),
        );
    });
    const done = new Set(marked);
    return { names: events.flatMap(({ name }) => (done.has(name) ? [name] : [])) };
  }

  /** Removes the reviews of events, of one camera or all, that are not stored any more. @throws when NATS is away */
  async sweep(only?: string): Promise<void> {
    const keys = this.#mirror.keys().filter((key) => only === undefined || eventOf(key).camera === only);
    for (let i = 0; i < keys.length; i += atATime)
      await Promise.all(
        keys.slice(i, i + atATime).map(async (key) => {
          const { camera, id } = eventOf(key);
          if (!(await this.#events.last(subjects.event(camera, id)))) await this.#set(key, undefined);
        }),
      );
  }

  async #sweepNowAndThen(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.sweep().catch((error: Error) =>
        this.#log.debug({ err: error }, "reviews of events cannot be looked through; later again"),
      );
      await delay(sweepMs, undefined, { ref: false, signal }).catch(() => undefined);
    }
  }

  async #set(key: string, review: EventReview | undefined): Promise<void> {
    const revision = this.#mirror.revision(key);
    if ((revision !== undefined) === (review !== undefined)) return;
    if (review)
      this.#mirror.applyPut(key, await this.#kv.put(key, EventReview.encode(review).finish()), review);
    else if (revision !== undefined) {
      await this.#kv.delete(key);
      this.#mirror.applyDelete(key, revision);
    }
  }
}

/** Reads an entry of the bucket. @throws when the bytes are not an EventReview */
export function decodeReview(data: Uint8Array): EventReview {
  return EventReview.decode(data);
}

function readName(name: string): EventId {
  const event = parseEventName(name);
  if (!event)
    throw new ApiError(
      "invalid_argument",
      `'${name.slice(0, 200)}' is not an event's name; expected cameras/{camera}/events/{event}`,
    );
  return event;
}

/** Neither part contains a dot. */
const keyOf = ({ camera, id }: EventId) => `${camera}.${id}`;

function eventOf(key: string): EventId {
  const [camera = "", id = ""] = key.split(".");
  return { camera, id };
}
