import type { BrokerSession } from "./broker-session.ts";
import type { Topics } from "./topics.ts";

interface Retained {
  payload: string;
  /** The session that was given the payload; `done` resolves when the broker has it. */
  sent: { session: BrokerSession; done: Promise<void> } | undefined;
}

/** What the broker should retain. A new session gets all of it, because the broker may have lost it. */
export class PublishedState {
  readonly #names: Topics;
  readonly #topics = new Map<string, Retained>();
  /** Camera → its topics, including pictures and those of earlier bridges. */
  readonly #owned = new Map<string, Set<string>>();
  #session: BrokerSession | undefined;

  constructor(names: Topics) {
    this.#names = names;
  }

  /** Cameras for which earlier bridges have left topics at the broker, as far as the broker answers. */
  async adopt(session: BrokerSession): Promise<string[]> {
    const records = await session.retained(this.#names.record("+"), this.#names.record("_end"));
    const cameras: string[] = [];
    for (const [topic, payload] of records) {
      const camera = this.#names.cameraOfRecord(topic);
      if (camera === undefined) continue;
      const owned = this.#owned.get(camera) ?? new Set();
      for (const each of readRecord(payload)) if (this.#names.isOf(camera, each)) owned.add(each);
      this.#owned.set(camera, owned);
      cameras.push(camera);
    }
    return cameras;
  }

  /**
   * Publishes everything in this session, and from now on every change.
   * @throws BrokerError
   */
  async begin(session: BrokerSession): Promise<void> {
    this.#session = session;
    const records = [...this.#owned.keys()].map((camera) => this.#record(camera));
    await Promise.all([...records, ...[...this.#topics.keys()].map((topic) => this.#send(topic))]);
  }

  /** Changes are kept for the next session. */
  end(): void {
    this.#session = undefined;
  }

  /**
   * Makes the broker retain a payload; a payload that it already has from this session is not sent again. Resolves when the
   * broker has it, or at once without a session. `camera`: the topic is removed together with this camera.
   * @throws BrokerError
   */
  async set(topic: string, payload: string, camera?: string): Promise<void> {
    if (camera !== undefined) this.own(camera, topic);
    const known = this.#topics.get(topic);
    if (known?.payload !== payload) this.#topics.set(topic, { payload, sent: undefined });
    await this.#send(topic);
  }

  /** Assigns a topic to a camera. The broker gets the record of this before the topic itself. */
  own(camera: string, topic: string): void {
    const owned = this.#owned.get(camera) ?? new Set();
    if (owned.has(topic)) return;
    this.#owned.set(camera, owned.add(topic));
    this.#record(camera).catch(() => undefined);
  }

  /**
   * Makes the broker forget all topics of a camera.
   * @throws BrokerError
   */
  async remove(camera: string): Promise<void> {
    const topics = [...(this.#owned.get(camera) ?? [])];
    this.#owned.delete(camera);
    for (const topic of topics) this.#topics.delete(topic);
    const all = topics.length > 0 ? [...topics, this.#names.record(camera)] : [];
    await Promise.all(all.map((topic) => this.#session?.publish(topic, "", true)));
  }

  async #record(camera: string): Promise<void> {
    const topics = [...(this.#owned.get(camera) ?? [])];
    await this.#session?.publish(this.#names.record(camera), JSON.stringify(topics), true);
  }

  async #send(topic: string): Promise<void> {
    const retained = this.#topics.get(topic);
    const session = this.#session;
    if (!retained || !session) return;
    if (retained.sent?.session !== session)
      retained.sent = { session, done: session.publish(topic, retained.payload, true) };
    await retained.sent.done;
  }
}

function readRecord(payload: Buffer): string[] {
  try {
    const topics: unknown = JSON.parse(payload.toString());
    return Array.isArray(topics) ? topics.filter((topic) => typeof topic === "string") : [];
  } catch {
    return [];
  }
}
