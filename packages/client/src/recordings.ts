import { cameraName } from "@sightline/contracts";
import { RecordingServiceClient } from "@sightline/contracts/api";
import type { CallSettings } from "./calls.ts";
import type { Connection } from "./connection.ts";
import { toTime } from "./time.ts";
import { downloadVideo, fromTime, type Video, type VideoSettings } from "./video.ts";

/** A time range of recorded video without a gap, with one codec and size. */
export interface RecordingSpan {
  from: Date;
  to: Date;
  /** `h264` or `h265`. */
  codec: string;
  /** Pixels. */
  width: number;
  height: number;
  audio: boolean;
  /** Kept only for events. */
  eventsOnly: boolean;
  /** The ingest process that has it. */
  ingest: string;
}

/** A range of time. */
export interface RecordingRange {
  from: Date;
  to: Date;
}

/**
 * Recorded video of cameras. Cameras are named by their id, such as `front`. Every method throws SightlineError.
 *
 * @example
 * ```ts
 * const [span] = await client.recordings.spans("front");
 * const { content } = await client.recordings.video("front", { from: span!.from, to: span!.to });
 * let bytes = 0;
 * for await (const piece of content) bytes += piece.length;
 * assert.ok(bytes > 0);
 * ```
 */
export class Recordings {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The recorded time ranges of a camera, sorted by time; all unless `from` or `to` is given. */
  async spans(
    id: string,
    query: CallSettings &
      Partial<RecordingRange> & {
        /** Called if some ingests do not answer; they may have more. */
        onSilentIngests?: (ingests: readonly string[]) => void;
      } = {},
  ): Promise<RecordingSpan[]> {
    const { spans, silentIngests } = await this.#connection.call(
      RecordingServiceClient,
      (client) => client.listRecordingSpans,
      { name: cameraName(id), ...times(query) },
      query,
    );
    if (silentIngests.length > 0) query.onSilentIngests?.(silentIngests);
    return spans.map(({ startTime, endTime, ...span }) => ({
      from: fromTime(startTime),
      to: fromTime(endTime),
      ...span,
    }));
  }

  /** A range of a camera's video, at most an hour, as one MP4. NOT_FOUND if nothing of it is kept. */
  async video(id: string, range: RecordingRange, settings: VideoSettings = {}): Promise<Video> {
    const request = { name: cameraName(id), ...times(range), audio: settings.audio };
    return downloadVideo(this.#connection, (client) => client.downloadRecording(request), settings);
  }

  /** Deletes a camera's video, all of it or a range of time. NOT_FOUND if nothing of it is kept. */
  async delete(
    id: string,
    query: CallSettings & Partial<RecordingRange> = {},
  ): Promise<{ deletedSegments: number; deletedBytes: number }> {
    return this.#connection.call(
      RecordingServiceClient,
      (client) => client.deleteRecording,
      { name: cameraName(id), ...times(query) },
      query,
    );
  }
}

function times({ from, to }: Partial<RecordingRange>) {
  return { startTime: from && toTime(from, "from"), endTime: to && toTime(to, "to") };
}
