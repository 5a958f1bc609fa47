import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type StreamPlace, unknownTime } from "@sightline/service";
import { ApiError } from "../errors.ts";

/** The kind of stream that a cursor belongs to. */
export type CursorKind = "detections" | "events";

/** Identifies one creation of a stream: another server's stream of the same name, or one that was created again, has another identity. */
export type StreamIdentity = Buffer;

const version = 2;
/** The form without a time, which can still be read. */
const olderVersion = 1;
const kinds: readonly CursorKind[] = ["detections", "events"];
const identityBytes = 8;
const sequenceAt = 2 + identityBytes;
const timeAt = sequenceAt + 8;
const crcAt = timeAt + 8;
const crcBytes = 4;

/** Identity of a stream, from its name and what distinguishes this creation of it from others. */
export function streamIdentity(name: string, making: string): StreamIdentity {
  return createHash("sha256").update(`${name}\n${making}`).digest().subarray(0, identityBytes);
}

/**
 * An opaque place in a stream: version (1 byte), kind (1), stream identity (8), sequence (8), time in nanoseconds (8), CRC-32 of all that
 * (4), as base64url.
 */
export function encodeCursor(
  kind: CursorKind,
  identity: StreamIdentity,
  { sequence, time }: StreamPlace,
): string {
  const data = Buffer.allocUnsafe(crcAt + crcBytes);
  data[0] = version;
  data[1] = kinds.indexOf(kind);
  data.set(identity, 2);
  data.writeBigUInt64BE(BigInt(sequence), sequenceAt);
  data.writeBigUInt64BE(time, timeAt);
  data.writeUInt32BE(crc32(data.subarray(0, crcAt)), crcAt);
  return data.toString("base64url");
}

/** A place, and the creation of the stream that it is in. */
export interface CursorPlace {
  identity: StreamIdentity;
  place: StreamPlace;
}

/**
 * The place of a cursor, in a creation of the stream that this system has or once had, according to `isOurs`.
 * @throws ApiError cursor_corrupt when it is not a cursor, cursor_foreign when it belongs to another kind or another system
 */
export function decodeCursor(
  kind: CursorKind,
  isOurs: (identity: StreamIdentity) => boolean,
  text: string,
): CursorPlace {
  const data = Buffer.from(text, "base64url");
  const end = data[0] === olderVersion ? timeAt : crcAt;
  if (
    data.length !== end + crcBytes ||
    data.toString("base64url") !== text ||
    data.readUInt32BE(end) !== crc32(data.subarray(0, end))
  )
    throw new ApiError("cursor_corrupt", "the cursor is damaged; pass it on exactly as it was received");
  const sequence = Number(data.readBigUInt64BE(sequenceAt));
  const its = kinds[data[1]!];
  if (
    (data[0] !== version && data[0] !== olderVersion) ||
    its === undefined ||
    !Number.isSafeInteger(sequence)
  )
    throw new ApiError(
      "cursor_foreign",
      "the cursor is of another version of Sightline; start again without it",
    );
  if (its !== kind)
    throw new ApiError("cursor_foreign", `the cursor is one of ${its}; this call takes cursors of ${kind}`);
  const identity = data.subarray(2, sequenceAt);
  if (!isOurs(identity))
    throw new ApiError(
      "cursor_foreign",
      "the cursor is of another system, or of one whose NATS has lost everything since; start with newest, beginning or a time",
    );
  const time = end > timeAt ? data.readBigUInt64BE(timeAt) : unknownTime;
  return { identity, place: { sequence, time } };
}
