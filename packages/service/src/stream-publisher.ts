import { JetStreamApiError, JetStreamError } from "@nats-io/jetstream";
import { headers, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import type { ConnectionChanges } from "./connection-changes.ts";
import type { JetStreamWatch } from "./jetstream-watch.ts";
import { Requests } from "./requests.ts";

interface PublicationAnswer {
  stream?: string;
  seq?: number;
  error?: { code: number; err_code: number; description: string };
}

export interface PublicationOptions {
  /** Identifies a repetition to the stream. */
  msgID: string;
  /** More headers of the message. */
  headers?: MsgHdrs | undefined;
  timeoutMs: number;
}

const decoder = new TextDecoder();

/** Publishes to streams without waiting for the confirmation of one message before sending the next. */
export class StreamPublisher {
  readonly #requests: Requests;
  readonly #watch: Pick<JetStreamWatch, "stored" | "refused"> | undefined;

  /** `watch` gets the result of each publication. */
  constructor(
    connection: NatsConnection,
    watch?: Pick<JetStreamWatch, "stored" | "refused">,
    changes?: Pick<ConnectionChanges, "listen">,
  ) {
    this.#requests = new Requests(connection, changes);
    this.#watch = watch;
  }

  /** Publishes once; `done` gets undefined and the sequence when the stream has the message, stored now or before. */
  publish(
    subject: string,
    data: Uint8Array,
    { msgID, headers: more, timeoutMs }: PublicationOptions,
    done: (error: Error | undefined, sequence: number | undefined) => void,
  ): void {
    const told = more ?? headers();
    told.set("Nats-Msg-Id", msgID);
    this.#requests.send(subject, data, { headers: told, timeoutMs }, (failure, answer) => {
      const result = failure ?? outcomeOf(answer!.data);
      if (result instanceof Error) {
        this.#watch?.refused(subject, result);
        return done(result, undefined);
      }
      this.#watch?.stored(result.stream);
      done(undefined, result.seq);
    });
  }
}

/** The stream that has stored the message, or the error. */
function outcomeOf(data: Uint8Array): { stream: string; seq: number | undefined } | Error {
  try {
    const { stream, seq, error } = JSON.parse(decoder.decode(data)) as PublicationAnswer;
    if (error) return new JetStreamApiError(error);
    return stream ? { stream, seq } : new JetStreamError("the confirmation of a publication names no stream");
  } catch (error) {
    return error as Error;
  }
}
