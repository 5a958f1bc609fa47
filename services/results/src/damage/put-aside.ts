import {
  asideHeaders,
  asideSubject,
  ensureStream,
  type Logger,
  lastReadable,
  type Nats,
  setAside,
  streamMaking,
} from "@sightline/service";
import { StoredMessages, type StoredRange } from "../feeds/stored-messages.ts";

/** Most messages copied in total, and at a time. */
const [mostCopied, batch] = [50_000, 256];

/** Copies the readable messages before `end`, at most the newest ones; returns how many. Without room for a copy, none are copied. */
export async function putAside(nats: Nats, stream: string, end: number, log: Logger): Promise<number> {
  let copied = 0;
  let reader: StoredRange | undefined;
  try {
    const stored = new StoredMessages(nats, stream);
    const { first } = await stored.state();
    const making = streamMaking(await nats.manager.streams.info(stream));
    const last = await lastReadable(nats.manager, stream, first, end);
    let position = Math.max(first - 1, last - mostCopied);
    if (position >= last) return 0;
    await ensureStream(nats.manager, setAside);
    reader = stored.after(position);
    while (position < last) {
      const read = await reader.read(Math.min(batch, last - position));
      await Promise.all(
        read.map(({ subject, data, seq }) => {
          const from = asideHeaders(seq, making);
          return nats.jetstream.publish(asideSubject(stream, subject), data, { headers: from });
        }),
      );
      copied += read.length;
      position = read.at(-1)?.seq ?? last;
    }
  } catch (error) {
    log.warn({ stream, copied, err: error }, "the copy ends here");
  } finally {
    reader?.close();
  }
  return copied;
}
