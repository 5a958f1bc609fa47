import type { BrokerSession } from "./broker-session.ts";

interface Retained {
  payload: string;
  /** The camera with which the topic goes. */
  camera: string | undefined;
  /** The session that was given the payload, and when the broker has it. */
  sent: { session: BrokerSession; done: Promise<void> } | undefined;
}

/** What the broker is to retain. A new session is given all of it, as the broker may have lost it. */
export class PublishedState {
  readonly #topics = new Map<string, Retained>();
  #session: BrokerSession | undefined;

  /** Publishes all in this session, and from now on what changes. @throws BrokerError */
  async begin(session: BrokerSession): Promise<void> {
    this.#session = session;
    await Promise.all([...this.#topics.keys()].map((topic) => this.#send(topic)));
  }

  /** Changes are kept for the next session. */
  end(): void {
    this.#session = undefined;
  }

  /**
   * Has the broker retain a payload; one that it has got in this session is not sent again. Resolves when it has it, or at
   * once without a session. `camera` is the one with which the topic goes. @throws BrokerError
   */
  async set(topic: string, payload: string, camera?: string): Promise<void> {
    const known = this.#topics.get(topic);
    if (known?.payload !== payload) this.#topics.set(topic, { payload, camera, sent: undefined });
    await this.#send(topic);
  }

  /** Has the broker forget all topics of a camera. @throws BrokerError */
  async remove(camera: string): Promise<void> {
    const topics = [...this.#topics].flatMap(([topic, retained]) =>
      retained.camera === camera ? topic : [],
    );
    for (const topic of topics) this.#topics.delete(topic);
    await Promise.all(topics.map((topic) => this.#session?.publish(topic, "", true)));
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
