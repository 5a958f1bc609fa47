import { StorageType, type StoredMsg } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { setAsideStream } from "@sightline/contracts";
import { isJetStreamFailure } from "./jetstream-errors.ts";
import type { Nats } from "./nats.ts";

/** Where what can still be read of a damaged stream is put: for a person to look at, and for the analysis to go on from. */
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

/** The subject under which a message of a damaged stream is put aside. */
export function asideSubject(stream: string, subject: string): string {
  return `set-aside.${stream}.${subject}`;
}

/** What a message that is put aside bears: its sequence in its stream, and which making of that it was. */
export function asideHeaders(sequence: number, making: string): MsgHdrs {
  const from = headers();
  from.set(sequenceHeader, String(sequence));
  from.set(makingHeader, making);
  return from;
}

/** Which making of its stream a message was put aside of. */
export function asideMaking(messageHeaders: MsgHdrs | undefined): string | undefined {
  return messageHeaders?.get(makingHeader) || undefined;
}

/** The last message of a subject that was put aside of this making of a stream; undefined when none was. @throws when NATS does not answer */
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
