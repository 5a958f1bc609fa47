import type { StreamConfig } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { ServiceError } from "../errors.ts";
import { newInbox } from "../nats-access.ts";

/** NATS's description of a stream, stored beside its snapshot; both go back to NATS unchanged. */
export interface StreamForm {
  config: StreamConfig;
  state: { messages: number; bytes: number; first_seq: number; last_seq: number };
}

const chunkBytes = 128 * 1024;
/** NATS checks every message of a stream before it answers. */
const patienceMs = 60_000;

/**
 * Lets NATS create a snapshot of a stream with its consumers: as of one instant, with sequences, times and headers. `onForm` is called
 * once, first. Yields the snapshot's parts, in order. Only a connection with permission for `$JS.API.STREAM.SNAPSHOT` can do this.
 * @throws ServiceError stream_snapshot_failed
 */
export async function* snapshotOf(
  connection: NatsConnection,
  stream: string,
  onForm: (form: StreamForm) => void,
): AsyncGenerator<Uint8Array> {
  const inbox = newInbox(connection);
  const parts = connection.subscribe(inbox);
  try {
    const request = { deliver_subject: inbox, chunk_size: chunkBytes, jsck: true };
    const { config, state } = await ask<StreamForm>(
      connection,
      stream,
      `$JS.API.STREAM.SNAPSHOT.${stream}`,
      request,
    );
    onForm({ config, state });
    const timer = setTimeout(() => parts.unsubscribe(), patienceMs);
    for await (const message of parts) {
      timer.refresh();
      if (message.data.length === 0) {
        clearTimeout(timer);
        const code = message.headers?.code ?? 0;
        if (code >= 400) throw failed(stream, `NATS ended the snapshot: ${message.headers?.description}`);
        return;
      }
      yield message.data;
      // NATS sends more after we have confirmed what it sent.
      message.respond();
    }
    throw failed(stream, "NATS stopped sending the snapshot");
  } finally {
    parts.unsubscribe();
  }
}

/**
 * Creates a stream from its snapshot; no stream of this name may exist. If NATS requires a login, only the operator may do this.
 * @throws ServiceError stream_snapshot_failed; then the stream does not exist
 */
export async function restoreStream(
  connection: NatsConnection,
  { config, state }: StreamForm,
  parts: AsyncIterable<Uint8Array>,
): Promise<StreamForm> {
  const { name } = config;
  const { deliver_subject: to } = await ask<{ deliver_subject: string }>(
    connection,
    name,
    `$JS.API.STREAM.RESTORE.${name}`,
    {
      config,
      state,
    },
  );
  for await (const part of parts) read(name, await connection.request(to, part, { timeout: patienceMs }));
  return read<StreamForm>(name, await connection.request(to, new Uint8Array(), { timeout: patienceMs }))!;
}

async function ask<T>(connection: NatsConnection, stream: string, subject: string, body: object): Promise<T> {
  try {
    return read<T>(stream, await connection.request(subject, JSON.stringify(body), { timeout: patienceMs }))!;
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw failed(stream, (error as Error).message, { cause: error });
  }
}

function read<T>(stream: string, message: Msg): T | undefined {
  if (message.data.length === 0) return undefined;
  const answer = message.json<T & { error?: { description: string } }>();
  if (answer.error) throw failed(stream, answer.error.description);
  return answer;
}

/** The message names the stream and quotes NATS. */
function failed(stream: string, why: string, options?: ErrorOptions): ServiceError {
  return new ServiceError("stream_snapshot_failed", `stream ${stream}: ${why}`, options);
}
