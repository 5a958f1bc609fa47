import { Backoff } from "@sightline/contracts";
import { SubscriptionServiceClient } from "@sightline/contracts/api";
import { isAborted, waitUnlessAborted } from "../abort.ts";
import type { Connection } from "../connection.ts";
import { isPassing, SightlineError } from "../errors.ts";
import { retryRange } from "../resume.ts";

/** How to refuse a message. */
export interface RejectOptions {
  /** Seconds to wait before the next delivery; default 0. */
  delaySeconds?: number;
  /** Make it a dead letter at once. */
  deadLetter?: boolean;
  /** Why, for the list of dead letters. */
  reason?: string;
}

/** How long answers gather before they are sent together. */
const gatherMs = 3;
const mostInOne = 500;
/** For so long an answer is tried again while the server is away. By then most messages are delivered anew. */
const patienceMs = 30_000;

interface Waiting {
  ackId: string;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Tells the server what became of the messages of one named subscription. */
export class Answers {
  readonly #connection: Connection;
  readonly #name: string;
  #gathered: Waiting[] = [];
  readonly #pending = new Set<Promise<void>>();

  /** `name` is the subscription's resource name. */
  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  /** Resolves when the server has the answer. Acknowledgements within a few milliseconds are sent in one call. @throws SightlineError */
  acknowledge(ackId: string): Promise<void> {
    return this.#track(
      new Promise<void>((resolve, reject) => {
        this.#gathered.push({ ackId, resolve, reject });
        if (this.#gathered.length === 1) setTimeout(() => void this.#flush(), gatherMs);
        if (this.#gathered.length >= mostInOne) void this.#flush();
      }),
    );
  }

  /** Resolves when the server knows. @throws SightlineError */
  reject(ackId: string, { delaySeconds = 0, deadLetter = false, reason = "" }: RejectOptions): Promise<void> {
    const request = { name: this.#name, ackIds: [ackId], delaySeconds, deadLetter, reason };
    return this.#track(
      this.#persist(async () => {
        await this.#connection.call(SubscriptionServiceClient, (client) => client.reject, request, {});
      }),
    );
  }

  /** Resolves when no answer is on its way any more. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  async #flush(): Promise<void> {
    const gathered = this.#gathered;
    this.#gathered = [];
    if (gathered.length === 0) return;
    const request = { name: this.#name, ackIds: gathered.map(({ ackId }) => ackId) };
    try {
      await this.#persist(async () => {
        await this.#connection.call(SubscriptionServiceClient, (client) => client.acknowledge, request, {});
      });
      for (const { resolve } of gathered) resolve();
    } catch (error) {
      for (const { reject } of gathered) reject(error);
    }
  }

  /** An answer may be given twice: the second time changes nothing. */
  async #persist(call: () => Promise<void>): Promise<void> {
    const sources = [this.#connection.closing];
    const patientUntil = performance.now() + patienceMs;
    const backoff = new Backoff(retryRange);
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const failure = SightlineError.from(error);
        if (isAborted(sources) || !isPassing(failure, true) || performance.now() > patientUntil)
          throw failure;
      }
      await waitUnlessAborted(backoff.fail(), sources);
    }
  }

  /** An answer that nobody waits for may fail: its message is delivered again. */
  #track(answer: Promise<void>): Promise<void> {
    this.#pending.add(answer);
    const settle = () => this.#pending.delete(answer);
    answer.then(settle, settle);
    return answer;
  }
}
