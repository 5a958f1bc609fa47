import type { ClientReadableStream } from "@grpc/grpc-js";
import { fromTimestamp, type Timestamp } from "@sightline/contracts";
import { RecordingServiceClient, type VideoInfo } from "@sightline/contracts/api";
import type { CallSettings } from "./calls.ts";
import type { Connection } from "./connection.ts";
import { SightlineError } from "./errors.ts";

/** An MP4 that is being sent. */
export interface Video {
  sizeBytes: number;
  /** Capture time of the first picture, and the end of the last one. Video begins at a key frame, so it may begin earlier than requested. */
  from: Date;
  to: Date;
  /**
   * The bytes in pieces, received while the loop runs. They can be read only once. Leaving the loop ends the call. @throws SightlineError if
   * the video ends too early
   */
  content: AsyncGenerator<Uint8Array, void>;
}

export interface VideoSettings extends CallSettings {
  /** Whether to include recorded sound; default true. */
  audio?: boolean;
}

type Part = {
  part?: { $case: "info"; value: VideoInfo } | { $case: "content"; value: Uint8Array } | undefined;
};

/** Begins a call that sends an MP4, and returns when it is known what comes. @throws SightlineError */
export async function downloadVideo(
  connection: Connection,
  start: (client: RecordingServiceClient) => ClientReadableStream<Part>,
  { signal }: CallSettings,
): Promise<Video> {
  const parts = connection.stream(RecordingServiceClient, start, {
    sources: [connection.closing, signal],
  });
  const { value: first } = await parts.next();
  if (first?.part?.$case !== "info") {
    await parts.return();
    if (!first) throw new SightlineError("CANCELLED", "aborted before the video came");
    throw new SightlineError("INTERNAL", "the server's answer does not begin with what the video is");
  }
  const { sizeBytes, startTime, endTime } = first.part.value;
  return {
    sizeBytes,
    from: fromTime(startTime),
    to: fromTime(endTime),
    content: contentOf(parts, sizeBytes),
  };
}

async function* contentOf(
  parts: AsyncGenerator<Part, void>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  for await (const { part } of parts) {
    if (part?.$case !== "content") continue;
    bytes += part.value.byteLength;
    yield part.value;
  }
  // An abort ends streams without an error; whoever saves a file must not take a part for the whole.
  if (bytes < sizeBytes)
    throw new SightlineError("CANCELLED", `the video was aborted after ${bytes} of ${sizeBytes} bytes`);
}

/** A time of a message; 1970 when it is not set. */
export function fromTime(time: Timestamp | undefined): Date {
  return new Date(time ? fromTimestamp(time) : 0);
}
