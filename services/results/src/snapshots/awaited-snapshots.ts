import { Event, streams, subjects } from "@sightline/contracts";
import { type Nats, pause, type SnapshotStore, type StoredSnapshot } from "@sightline/service";

/** A picture that is missing this long after its event named it will not arrive, in milliseconds. */
const comesWithinMs = 5_000;
const usualWaitMs = 2_000;
const lookMs = 100;
/** Most calls that may wait at the same time; more are answered at once. */
const mostWaiting = 64;

/**
 * Stored pictures of events. An event is published before its picture is stored, here or by another process, so the picture of a recent
 * event is awaited.
 */
export class AwaitedSnapshots {
  readonly #nats: Nats;
  readonly #store: SnapshotStore;
  readonly #mostWaitMs: number;
  #waiting = 0;

  constructor(nats: Nats, store: SnapshotStore, mostWaitMs = usualWaitMs) {
    this.#nats = nats;
    this.#store = store;
    this.#mostWaitMs = mostWaitMs;
  }

  /** The picture of an event; undefined when it has none, at least within the waiting time. @throws when NATS does not answer */
  async get(camera: string, id: string, signal?: AbortSignal): Promise<StoredSnapshot | undefined> {
    const key = `${camera}/${id}`;
    const stored = await this.#store.get(key);
    if (stored || this.#waiting >= mostWaiting) return stored;
    this.#waiting++;
    try {
      return (await this.#mayCome(camera, id)) ? await this.#wait(key, signal) : undefined;
    } finally {
      this.#waiting--;
    }
  }

  async #wait(key: string, signal: AbortSignal | undefined): Promise<StoredSnapshot | undefined> {
    const end = performance.now() + this.#mostWaitMs;
    while (!signal?.aborted && performance.now() < end) {
      await pause(lookMs, signal);
      const stored = await this.#store.get(key);
      if (stored) return stored;
    }
    return undefined;
  }

  /** Whether the event names a picture, and its last message is recent. */
  async #mayCome(camera: string, id: string): Promise<boolean> {
    const last = await this.#nats.manager.direct.getMessage(streams.events, {
      last_by_subj: subjects.event(camera, id),
    });
    if (!last || Date.now() - last.time.getTime() > comesWithinMs) return false;
    return Event.decode(last.data).snapshotFrame !== undefined;
  }
}
