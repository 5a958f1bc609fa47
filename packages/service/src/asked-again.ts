import { type Msg, type NatsConnection, type RequestOptions, TimeoutError } from "@nats-io/transport-node";

/** A request without an answer is sent again after these times: of a cluster, another server may get it. */
const againMs = [200, 600, 1_200];
/**
 * What is created is created again less often, because the former attempt may only be slow; but for as long as the servers of a
 * cluster may need to choose the one that creates it.
 */
const makeAgainMs = [500, 1_200, 2_000, 3_000];
/** Requests that only read, so they may be repeated. */
const questions = /^\$JS\.API\.(?:STREAM\.(?:INFO|MSG\.GET)|CONSUMER\.INFO|DIRECT\.GET)\./;

/**
 * The same connection, but JetStream read requests without an answer are repeated within their timeout. A request to a leader that has died
 * is never answered, and a new leader may be there a moment later.
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

/** Repeats the request until there is an answer. @throws TimeoutError after `options.timeout`; any other error at once */
export async function ask(
  connection: Pick<NatsConnection, "request">,
  subject: string,
  payload: Uint8Array | string | undefined,
  options: RequestOptions,
): Promise<Msg> {
  const times = againMs.filter((ms) => ms < options.timeout);
  return firstOf(
    (afterMs) => connection.request(subject, payload, { ...options, timeout: options.timeout - afterMs }),
    times,
  );
}

/**
 * Creates something, with further attempts if there is no answer. What the other attempts have created goes to `unwanted`.
 * @throws TimeoutError when no attempt is answered; any other error at once
 */
export function makeUntilAnswered<T>(make: () => Promise<T>, unwanted: (made: T) => void): Promise<T> {
  return firstOf(make, makeAgainMs, unwanted);
}

async function firstOf<T>(
  send: (afterMs: number) => Promise<T>,
  times: readonly number[],
  unwanted?: (answer: T) => void,
): Promise<T> {
  const first = Promise.withResolvers<T>();
  let open = 0;
  let isOver = false;
  const attempt = (afterMs: number) => {
    open += 1;
    send(afterMs).then(
      (answer) => {
        if (isOver) unwanted?.(answer);
        isOver = true;
        first.resolve(answer);
      },
      (error: Error) => {
        open -= 1;
        if (open > 0 && error instanceof TimeoutError) return;
        isOver = true;
        first.reject(error);
      },
    );
  };
  attempt(0);
  const timers = times.map((ms) => setTimeout(attempt, ms, ms));
  try {
    return await first.promise;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
