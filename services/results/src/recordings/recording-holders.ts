import { NoRespondersError } from "@nats-io/transport-node";
import {
  decodeJson,
  encodeJson,
  ingestPresence,
  type RecordingsAnswer,
  recordingsAnswerSchema,
  subjects,
} from "@sightline/contracts";
import { type Logger, type Nats, presenceKey } from "@sightline/service";
import type { VideoRange } from "./video-range.ts";

/** Ingest looks it up in an index in memory. */
const timeoutMs = 2_000;

/** What the ingests report that they have. */
export interface Found {
  /** Those that have something in the range. */
  holders: RecordingsAnswer[];
  /** Ingests that exist and did not answer; by the names in their leases. */
  silent: string[];
}

/** Asks the ingests which recordings they have. */
export class RecordingHolders {
  readonly #nats: Pick<Nats, "connection">;
  readonly #leases: { keys(): string[] };
  readonly #log: Logger;
  /** The newest answer of each ingest, by its id. */
  readonly #answers = new Map<string, RecordingsAnswer>();

  /** `leases` are the present leases. */
  constructor(nats: Pick<Nats, "connection">, leases: { keys(): string[] }, log: Logger) {
    this.#nats = nats;
    this.#leases = leases;
    this.#log = log;
  }

  /** Whether any ingest is running. */
  get any(): boolean {
    return this.#present().length > 0;
  }

  async find(camera: string, range: VideoRange): Promise<Found> {
    const present = this.#present();
    if (present.length === 0) return { holders: [], silent: [] };
    const answers = await this.#ask(camera, range, present.length);
    for (const answer of answers) this.#answers.set(answer.ingest, answer);
    const answered = new Set(answers.map(({ ingest }) => presenceKey(ingestPresence, ingest)));
    return {
      holders: answers.filter(({ spans }) => spans.length > 0),
      silent: present.filter((key) => !answered.has(key)).map((key) => key.slice(ingestPresence.length + 1)),
    };
  }

  /** The last answer of an ingest; undefined when this process has none yet, and `find` is needed. */
  known(ingest: string): RecordingsAnswer | undefined {
    return this.#answers.get(ingest);
  }

  #present(): string[] {
    return this.#leases.keys().filter((key) => key.startsWith(`${ingestPresence}.`));
  }

  /** Waits until this many have answered, but no longer than an answer may take. */
  async #ask(camera: string, range: VideoRange, most: number): Promise<RecordingsAnswer[]> {
    const answers: RecordingsAnswer[] = [];
    try {
      const messages = await this.#nats.connection.requestMany(
        subjects.recordingsFind(camera),
        encodeJson(range),
        { strategy: "count", maxMessages: most, maxWait: timeoutMs },
      );
      for await (const { data } of messages) {
        try {
          const answer = decodeJson(recordingsAnswerSchema, data);
          // A recording that has just begun has no complete picture yet.
          answers.push({ ...answer, spans: answer.spans.filter(({ fromMs, toMs }) => fromMs < toMs) });
        } catch (error) {
          this.#log.warn({ camera, err: error }, "an ingest's answer cannot be read");
        }
      }
    } catch (error) {
      if (!(error instanceof NoRespondersError))
        this.#log.warn({ camera, err: error }, "the ingests cannot be asked for recordings");
    }
    return answers;
  }
}
