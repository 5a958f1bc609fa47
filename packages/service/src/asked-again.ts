import { type Msg, type NatsConnection, type RequestOptions, TimeoutError } from "@nats-io/transport-node";

/** What has no answer after so long is asked again. */
const againMs = [500, 1_200];
/** Questions, which change nothing however often they are asked. */
const questions = /^\$JS\.API\.(?:STREAM\.(?:INFO|MSG\.GET)|CONSUMER\.INFO)\./;

/**
 * The connection, but that questions to JetStream without an answer are asked again within their time: what was asked of a leader that has died
 * is never answered, and the next may be there a moment later.
 */
export function askingAgain(connection: NatsConnection): NatsConnection {
  const request: NatsConnection["request"] = (subject, payload, options) =>
    options && questions.test(subject)
      ? ask(connection, subject, payload, options)
      : connection.request(subject, payload, options);
  return new Proxy(connection, {
    get(target, key) {
      if (key === "request") return request;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Asks until there is an answer. @throws TimeoutError after `options.timeout`; any other error at once */
export async function ask(
  connection: Pick<NatsConnection, "request">,
  subject: string,
  payload: Uint8Array | string | undefined,
  options: RequestOptions,
): Promise<Msg> {
  const answer = Promise.withResolvers<Msg>();
  let open = 0;
  const send = (afterMs: number) => {
    open += 1;
    connection
      .request(subject, payload, { ...options, timeout: options.timeout - afterMs })
      .then(answer.resolve, (error: Error) => {
        open -= 1;
        if (open === 0 || !(error instanceof TimeoutError)) answer.reject(error);
      });
  };
  send(0);
  const timers = againMs.filter((ms) => ms < options.timeout).map((ms) => setTimeout(send, ms, ms));
  try {
    return await answer.promise;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
