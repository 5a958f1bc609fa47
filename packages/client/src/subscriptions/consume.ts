import { SubscriptionServiceClient } from "@sightline/contracts";
import type { Connection } from "../connection.ts";
import { Interruption, resuming, type SubscribeOptions } from "../resume.ts";
import type { Answers } from "./answers.ts";
import { type SubscriptionMessage, toMessage } from "./message.ts";

/** How to read a named subscription. */
export interface ConsumeOptions extends SubscribeOptions {
  /** Most messages given to this reader and not acknowledged yet, 1-1000; 100 unless given. */
  maxUnacknowledged?: number;
}

/** Reads the subscription of this resource name; `answers` are told what becomes of its messages. @throws SightlineError */
export async function* consume(
  connection: Connection,
  name: string,
  answers: Answers,
  options: ConsumeOptions,
): AsyncGenerator<SubscriptionMessage, void> {
  const request = { name, maxUnacknowledged: options.maxUnacknowledged ?? 0 };
  const responses = resuming(
    connection,
    { type: SubscriptionServiceClient, start: (client) => client.consume(request) },
    options,
  );
  for await (const response of responses) {
    // What this reader had and did not answer for is delivered again, to whoever is there.
    if (response instanceof Interruption) continue;
    const message = toMessage(response, answers);
    if (message) yield message;
  }
}
