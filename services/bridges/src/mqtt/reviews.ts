import type { Event } from "@sightline/client";
import type { BrokerSession } from "./broker-session.ts";
import type { PublishedState } from "./published-state.ts";
import {
  follow,
  giveUp,
  noReviews,
  type ReviewState,
  type ReviewStep,
  readReviewState,
} from "./review-item.ts";
import type { Topics } from "./topics.ts";

/**
 * Publishes review items in Frigate's form. The state of a camera's items is retained at the broker, and published after
 * the messages that led to it. So a restarted bridge, or messages that come a second time, do not begin an item again.
 */
export class Reviews {
  readonly #topics: Topics;
  readonly #retained: PublishedState;
  readonly #alertClasses: ReadonlySet<string>;
  readonly #isGone: (camera: string) => boolean;
  /** Camera → the state that the broker is known to have. */
  readonly #arrived = new Map<string, ReviewState>();
  /** Camera → the state that this session has published: it begins with what arrived, and runs ahead of it. */
  #told = new Map<string, ReviewState>();
  #session: BrokerSession | undefined;

  /** `isGone`: whether nothing of a camera may stay at the broker. */
  constructor(
    topics: Topics,
    retained: PublishedState,
    alertClasses: readonly string[],
    isGone: (camera: string) => boolean,
  ) {
    this.#topics = topics;
    this.#retained = retained;
    this.#alertClasses = new Set(alertClasses);
    this.#isGone = isGone;
  }

  /**
   * Continues from what arrived, or from what earlier bridges have left at the broker; returns the cameras that have an
   * item.
   */
  async adopt(session: BrokerSession): Promise<string[]> {
    const records = await session.retained(this.#topics.reviews("+"), this.#topics.reviews("_end"));
    for (const [topic, payload] of records) {
      const camera = this.#topics.cameraOfReviews(topic);
      const state = readReviewState(payload);
      if (camera === undefined || !state) continue;
      this.#retained.own(camera, topic);
      // The broker's state for this bridge may be older, from before a restart of the broker, or it may be complete.
      if (state.version > (this.#arrived.get(camera)?.version ?? 0)) this.#arrived.set(camera, state);
    }
    this.#told = new Map(this.#arrived);
    return [...this.#told].flatMap(([camera, { item }]) => (item ? [camera] : []));
  }

  /**
   * Publishes the current state in this session, and from then on every change.
   * @throws BrokerError
   */
  async begin(session: BrokerSession): Promise<void> {
    this.#session = session;
    await Promise.all([...this.#told].flatMap(([camera, state]) => this.#retain(session, camera, state)));
  }

  end(): void {
    this.#session = undefined;
  }

  /**
   * Publishes what an event changes; the calls are made before this returns. Resolves when the broker has everything.
   * @throws BrokerError
   */
  async note(event: Event, camera: string): Promise<void> {
    await this.#take(camera, follow(this.#stateOf(camera), event, this.#alertClasses));
  }

  /** Ids of open events, according to what was published. */
  open(): string[] {
    return [...this.#told.values()].flatMap(({ item }) => item?.open ?? []);
  }

  /**
   * Ends events whose end will not come.
   * @throws BrokerError
   */
  async giveUp(ids: ReadonlySet<string>): Promise<void> {
    const cameras = [...this.#told.keys()];
    await Promise.all(cameras.map((camera) => this.#giveUp(camera, (id) => ids.has(id))));
  }

  /**
   * Ends the item of a camera that was removed.
   * @throws BrokerError
   */
  async remove(camera: string): Promise<void> {
    await this.#giveUp(camera, () => true);
  }

  /**
   * Makes the broker retain whether there is an item, and its severity.
   * @throws BrokerError
   */
  async tellStatus(camera: string): Promise<void> {
    const status = this.#stateOf(camera).item?.review.severity.toUpperCase() ?? "NONE";
    await this.#retained.set(this.#topics.reviewStatus(camera), status, camera);
  }

  #stateOf(camera: string): ReviewState {
    return this.#told.get(camera) ?? noReviews;
  }

  #giveUp(camera: string, isGone: (id: string) => boolean): Promise<void> {
    return this.#take(camera, giveUp(this.#stateOf(camera), isGone, Date.now() / 1000));
  }

  async #take(camera: string, { state, messages }: ReviewStep): Promise<void> {
    const session = this.#session;
    if (!session || state === this.#stateOf(camera)) return;
    this.#told.set(camera, state);
    await Promise.all([
      ...messages.map((message) => session.publish(this.#topics.allReviews, JSON.stringify(message))),
      ...this.#retain(session, camera, state),
    ]);
    if (state.version > (this.#arrived.get(camera)?.version ?? 0)) this.#arrived.set(camera, state);
  }

  #retain(session: BrokerSession, camera: string, state: ReviewState): Promise<void>[] {
    if (this.#isGone(camera)) return [];
    const topic = this.#topics.reviews(camera);
    this.#retained.own(camera, topic);
    return [session.publish(topic, JSON.stringify(state), true), this.tellStatus(camera)];
  }
}
