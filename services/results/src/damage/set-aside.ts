import { StorageType, type StoredMsg } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { ensureStream, isJetStreamFailure, type Logger, type Nats, streamMaking } from "@sightline/service";
import { StoredMessages, type StoredRange } from "../feeds/stored-messages.ts";
import { lastReadable } from "./unreadable-end.ts";

/** Most messages that are copied, and at a time. */
const [mostCopied, batch] = [50_000, 256];

/** Where what can still be read of a damaged stream is put: for a person to look at, and for the analysis to go on from. */
export const setAside = {
  name: "SET_ASIDE",
  subjects: ["set-aside.>"],
  storage: StorageType.File,
  discard: "old" as const,
  max_bytes: 64 * 1024 ** 2,
  max_age: 30 * 24 * 3600 * 1e9,
};
const sequenceHeader = "Sightline-Sequence";
const makingHeader = "Sightline-Making";

/** The subject under which a message of a damaged stream is put aside. */
export function asideSubject(stream: string, subject: string): string {
  return `set-aside.${stream}.${subject}`;
}

/** Which making of its stream a message was put aside of. */
export function asideMaking(messageHeaders: MsgHdrs | undefined): string | undefined {
  return messageHeaders?.get(makingHeader) || undefined;
}

/** The last message of a subject that was put aside of this making of a stream; undefined when none was. @throws when NATS does not answer */
export async function lastAside(
  { manager }: Nats,
  stream: string,
  subject: string,
  making: string,
): Promise<StoredMsg | undefined> {
  try {
    const query = { last_by_subj: asideSubject(stream, subject) };
    const message = await manager.streams.getMessage(setAside.name, query);
    return message && asideMaking(message.header) === making ? message : undefined;
  } catch (error) {
    if (isJetStreamFailure(error, "streamNotFound")) return undefined;
    throw error;
  }
}

/** Copies what can be read before `end`, the newest at most; returns how much that was. Without room for a copy there is none. */
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
          const from = headers();
          from.set(sequenceHeader, String(seq));
          from.set(makingHeader, making);
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
