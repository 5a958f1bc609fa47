import { StorageType, type StoredMsg } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { setAsideStream } from "@sightline/contracts";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import type { Nats } from "./nats.ts";

/** Where readable messages of a damaged stream are stored: for a person to check, and for the analysis to continue from. */
export const setAside = {
  name: setAsideStream,
  subjects: ["set-aside.>"],
  storage: StorageType.File,
  discard: "old" as const,
  max_bytes: 64 * 1024 ** 2,
  max_age: 30 * 24 * 3600 * 1e9,
};
const sequenceHeader = "Sightline-Sequence";
const makingHeader = "Sightline-Making";

/** The subject of a message of a damaged stream that was set aside. */
export function asideSubject(stream: string, subject: string): string {
  return `set-aside.${stream}.${subject}`;
}

/** Headers of a message that was set aside: its sequence in its stream, and which creation of that stream it was in. */
export function asideHeaders(sequence: number, making: string): MsgHdrs {
  const from = headers();
  from.set(sequenceHeader, String(sequence));
  from.set(makingHeader, making);
  return from;
}

/** The creation of the stream that a set-aside message was in. */
export function asideMaking(messageHeaders: MsgHdrs | undefined): string | undefined {
  return messageHeaders?.get(makingHeader) || undefined;
}

/**
 * The last message of a subject that was set aside from this creation of a stream; undefined when there is none. @throws when NATS does not
 * answer
 */
export async function lastAside(
  { manager }: Pick<Nats, "manager">,
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
