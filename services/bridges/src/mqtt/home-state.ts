import type { Event, SightlineClient } from "@sightline/client";
import { EventPhase } from "@sightline/client";
import { parseEventName } from "@sightline/contracts";
import { type Logger, pause } from "@sightline/service";
import { BrokerError, type BrokerSession } from "./broker-session.ts";
import { CameraWatch } from "./camera-watch.ts";
import { Discovery } from "./discovery.ts";
import { eventIdOf } from "./frigate-event.ts";
import type { MqttConfig } from "./mqtt-config.ts";
import { type Count, ObjectCounts } from "./object-counts.ts";
import { PublishedState } from "./published-state.ts";
import { Reviews } from "./reviews.ts";
import { SnapshotPublisher } from "./snapshot-publisher.ts";
import { Topics } from "./topics.ts";

const statsIntervalMs = 60_000;
const drainCheckMs = 2_000;
/** More events than are ever open at a time. */
const mostOpenEvents = 100_000;

/**
 * What a home shows besides events: counts, states of cameras, pictures, and the messages by which Home Assistant finds
 * them.
 */
export class HomeState {
  readonly topics: Topics;
  readonly #client: SightlineClient;
  readonly #subscription: string;
  readonly #discovery: Discovery | undefined;
  readonly #counts = new ObjectCounts();
  readonly #state: PublishedState;
  readonly #reviews: Reviews;
  readonly #snapshots: SnapshotPublisher | undefined;
  /** Camera → its topics that have had a picture. */
  readonly #pictured = new Map<string, Set<string>>();
  readonly #cameras: CameraWatch;
  /** Cameras that were removed: their last events come afterwards, and must leave nothing at the broker. */
  readonly #removed = new Set<string>();
  readonly #startedAt = performance.now();
  #session: BrokerSession | undefined;

  constructor(client: SightlineClient, config: MqttConfig, log: Logger, stop: AbortSignal) {
    this.#client = client;
    this.#subscription = config.subscription;
    this.topics = new Topics(config.prefix);
    this.#state = new PublishedState(this.topics);
    this.#reviews = new Reviews(this.topics, this.#state, config.alertClasses, (camera) =>
      this.#removed.has(camera),
    );
    this.#discovery =
      config.discoveryPrefix === undefined ? undefined : new Discovery(config.discoveryPrefix, this.topics);
    this.#snapshots = config.snapshots ? new SnapshotPublisher(client, log, stop) : undefined;
    this.#cameras = new CameraWatch(
      client,
      log,
      (camera) => {
        this.#removed.delete(camera);
        unlessLost(this.#tellCamera(camera));
      },
      (camera) => {
        this.#removed.add(camera);
        unlessLost(this.#forget(camera));
      },
    );
  }

  /** Follows the cameras, and reports their state once a minute, until aborted. */
  async run(stop: AbortSignal): Promise<void> {
    const timer = setInterval(() => unlessLost(this.#tellStats()), statsIntervalMs);
    await this.#cameras.run(stop);
    clearInterval(timer);
  }

  /**
   * Publishes everything known in this session, and from now on every change. Topics that earlier bridges left at the
   * broker for cameras that no longer exist are cleared once the existing cameras are known, until `signal` aborts.
   * @throws BrokerError
   */
  async begin(session: BrokerSession, signal: AbortSignal): Promise<void> {
    const left = new Set(await this.#state.adopt(session));
    for (const camera of await this.#reviews.adopt(session)) left.add(camera);
    void this.#cameras.removeGone([...left], signal);
    this.#session = session;
    await Promise.all([this.#reviews.begin(session), this.#state.begin(session)]);
    this.#snapshots?.begin(session);
    await this.#tellStats();
  }

  /** Changes are kept for the next session. */
  end(): void {
    this.#session = undefined;
    this.#state.end();
    this.#reviews.end();
    this.#snapshots?.end();
  }

  /**
   * Counts again from the events that are open now.
   * @throws SightlineError, BrokerError
   */
  async recount(signal: AbortSignal): Promise<void> {
    const over = new Set(this.#reviews.open());
    await this.#counts.recount(async () => {
      const open = await this.#openEvents(signal);
      for (const { name } of open) over.delete(eventIdOf(name));
      return open;
    });
    if (over.size > 0) void this.#giveUp(over, signal);
    await Promise.all(this.#counts.all().map((count) => this.#tellCount(count)));
  }

  /**
   * Publishes what an event changes; the calls are made before this returns. Resolves when the broker has everything.
   * @throws BrokerError
   */
  async note(event: Event, camera: string): Promise<void> {
    const reviewed = this.#reviews.note(event, camera);
    if (this.#removed.has(camera)) return await reviewed;
    const done = [reviewed];
    done.push(...this.#counts.apply(event).map((count) => this.#tellCount(count)));
    const label = event.track?.className;
    if (label !== undefined) {
      if (this.#discovery && this.#snapshots) {
        const { topic, payload } = this.#discovery.image(camera, label);
        done.push(this.#state.set(topic, payload, camera));
      }
      if (event.snapshotFrame) this.#wantSnapshot(camera, label, event.name);
    }
    await Promise.all(done);
  }

  /**
   * These events are over. If no end message waits to be read, it has expired, or it came when the broker had a state that
   * it has since lost: without this, their review item would never end.
   */
  async #giveUp(over: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waiting = await this.#client.subscriptions
        .get(this.#subscription, { signal })
        .then(({ pending, unacknowledged }) => pending + unacknowledged)
        .catch(() => undefined);
      if (waiting === 0) return unlessLost(this.#reviews.giveUp(over));
      await pause(drainCheckMs, signal);
    }
  }

  async #openEvents(signal: AbortSignal): Promise<Event[]> {
    const filter = { phases: [EventPhase.START, EventPhase.UPDATE] };
    const open: Event[] = [];
    for await (const event of this.#client.events.list({ filter, pageSize: 1000, signal })) {
      if (!this.#removed.has(parseEventName(event.name)?.camera ?? "")) open.push(event);
      if (open.length >= mostOpenEvents) break;
    }
    return open;
  }

  #wantSnapshot(camera: string, label: string, event: string): void {
    const topic = this.topics.snapshot(camera, label);
    const pictured = this.#pictured.get(camera) ?? new Set();
    this.#pictured.set(camera, pictured.add(topic));
    this.#state.own(camera, topic);
    this.#snapshots?.want(topic, event);
  }

  async #tellCount(count: Count): Promise<void> {
    const { kind, place, label } = count;
    // Frigate uses the same kind of topic for cameras and zones: the camera's own count has priority.
    if (kind === "zone" && this.#cameras.cameras.has(place)) return;
    const owner = kind === "camera" ? place : undefined;
    const text = String(count.count);
    const done = [this.topics.count(place, label), this.topics.active(place, label)].map((topic) =>
      this.#state.set(topic, text, owner),
    );
    if (this.#discovery && label !== "all") {
      const { topic, payload } = this.#discovery.occupancy(count);
      done.push(this.#state.set(topic, payload, owner));
    }
    await Promise.all(done);
  }

  async #tellCamera(camera: string): Promise<void> {
    const live = this.#cameras.cameras.get(camera)?.live;
    const done = [this.#state.set(this.topics.status(camera), live ? "online" : "offline", camera)];
    done.push(this.#reviews.tellStatus(camera));
    if (this.#discovery) {
      const { topic, payload } = this.#discovery.connectivity(camera);
      done.push(this.#state.set(topic, payload, camera));
    }
    await Promise.all(done);
  }

  async #forget(camera: string): Promise<void> {
    const left = this.#counts.forget(camera).filter(({ kind }) => kind === "zone");
    const pictures = [...(this.#pictured.get(camera) ?? [])];
    this.#pictured.delete(camera);
    // First, because it must be published before the broker forgets what is retained for it.
    const reviewed = this.#reviews.remove(camera);
    await Promise.all([
      reviewed,
      this.#state.remove(camera),
      this.#snapshots?.remove(pictures),
      ...left.map((count) => this.#tellCount(count)),
    ]);
  }

  async #tellStats(): Promise<void> {
    const cameras: Record<string, { camera_fps: number; process_fps: number; skipped_fps: number }> = {};
    for (const [camera, { captureFps, inferenceFps }] of this.#cameras.cameras)
      cameras[camera] = {
        camera_fps: tenths(captureFps),
        process_fps: tenths(inferenceFps),
        skipped_fps: tenths(Math.max(0, captureFps - inferenceFps)),
      };
    const uptime = Math.round((performance.now() - this.#startedAt) / 1000);
    const stats = { cameras, service: { uptime, last_updated: Math.round(Date.now() / 1000) } };
    await this.#session?.publish(this.topics.stats, JSON.stringify(stats));
  }
}

/** What could not be published is published again in the next session. */
function unlessLost(publishing: Promise<void>): void {
  publishing.catch((error) => {
    if (!(error instanceof BrokerError)) throw error;
  });
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
