import {
  type CameraStatus,
  cameraIdOf,
  type Event,
  isCameraId,
  limits,
  parseEventName,
  type RecordedSpan,
  type RecordingsAnswer,
  recordingPaths,
  recordingSegmentsSchema,
  recordingsDeletedSchema,
} from "@sightline/contracts";
import { ApiError } from "../errors.ts";
import { askHolder, askHolderForJson, askIngest } from "./holder-request.ts";
import type { HeldSegment } from "./playlist.ts";
import { nothingFound } from "./recording-faults.ts";
import type { Found, RecordingHolders } from "./recording-holders.ts";
import { clipRange, openRange, searchedRange, timeOfEvent, type VideoRange } from "./video-range.ts";

/** A recorded time span, and the ingest that has it. */
export type HeldSpan = RecordedSpan & { ingest: string };

/** Options of a request for video. */
export interface VideoOptions {
  /** Whether to include the recorded sound. */
  audio: boolean;
  /** HTTP headers: Range and conditions. */
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** What the service is created from. */
export interface RecordingParts {
  holders: RecordingHolders;
  /** The present state of an event. @throws ApiError event_not_found */
  event: (name: string) => Promise<Event>;
  /** @throws ApiError camera_not_found */
  requireCamera: (camera: string) => unknown;
  status: (camera: string) => CameraStatus | undefined;
}

/** Recorded video of cameras, fetched from the ingest that has it. Every method throws ApiError. */
export class RecordingService {
  readonly #parts: RecordingParts;

  constructor(parts: RecordingParts) {
    this.#parts = parts;
  }

  /** The recorded time spans in order, and the ingests that did not answer. */
  async spans(camera: string, range: VideoRange): Promise<{ spans: HeldSpan[]; silent: string[] }> {
    const { holders, silent } = await this.#find(camera, range);
    const spans = holders.flatMap(({ ingest, spans }) => spans.map((span) => ({ ...span, ingest })));
    if (spans.length === 0) {
      if (!this.#parts.holders.any || silent.length > 0) throw this.#nothing(camera, range, silent);
      this.#parts.requireCamera(camera);
    }
    return { spans: spans.sort((a, b) => a.fromMs - b.fromMs), silent };
  }

  /** A range as one MP4. If several ingests have a part of it, the one with the most is used. */
  async video(camera: string, range: VideoRange, options: VideoOptions): Promise<Response> {
    checkRange(range);
    if (range.toMs - range.fromMs > limits.maxVideoRangeMs)
      throw new ApiError(
        "invalid_argument",
        `the range is longer than ${limits.maxVideoRangeMs / 60_000} min, the limit of one file; request it in parts`,
      );
    const found = await this.#find(camera, range);
    return this.#fetch(
      camera,
      range,
      mostOf(found, () => range),
      found,
      options,
    );
  }

  /** The video of an event, `cameras/{camera}/events/{event}`, with what is kept before and after it. */
  async clip(name: string, options: VideoOptions): Promise<Response> {
    const event = await this.#parts.event(name);
    const { camera } = parseEventName(name)!;
    const time = timeOfEvent(event, Date.now());
    const found = await this.#find(camera, searchedRange(time));
    const holder = mostOf(found, (answer) => clipRange(time, answer));
    return this.#fetch(camera, holder ? clipRange(time, holder) : time, holder, found, options);
  }

  /** The files of a range, by time; if two ingests have the same time, one of them is used. */
  async segments(camera: string, range: VideoRange, signal?: AbortSignal): Promise<HeldSegment[]> {
    checkRange(range);
    const { holders, silent } = await this.#find(camera, range);
    if (holders.length === 0) throw this.#nothing(camera, range, silent);
    const path = `${recordingPaths.segments(camera)}?${rangeQuery(range)}`;
    const lists = await Promise.all(
      holders.map(async (holder) => {
        const { segments } = await askHolderForJson(holder, recordingSegmentsSchema, { path, signal });
        return segments.map((segment) => ({ ...segment, ingest: holder.ingest }));
      }),
    );
    return lists.flat().sort((a, b) => a.fromMs - b.fromMs);
  }

  /** One of those files. */
  async segment(
    camera: string,
    { ingest, id }: { ingest: string; id: string },
    { audio, headers = {}, signal }: VideoOptions,
  ): Promise<Response> {
    checkCamera(camera);
    const path = `${recordingPaths.segment(camera, encodeURIComponent(id))}${audio ? "" : "?audio=0"}`;
    const request = { path, headers, signal };
    const answer = await askIngest(this.#parts.holders, ingest, camera, request);
    if (!answer)
      throw new ApiError(
        "recording_unavailable",
        `ingest '${ingest.slice(0, 128)}' does not answer; try again`,
      );
    return answer;
  }

  /** Deletes what is entirely in the range, or everything, at every ingest. */
  async delete(
    camera: string,
    range: VideoRange | undefined,
  ): Promise<{ deletedSegments: number; deletedBytes: number }> {
    const searched = range ?? openRange();
    const { holders, silent } = await this.#find(camera, searched);
    if (holders.length === 0) throw this.#nothing(camera, searched, silent);
    const path = `${recordingPaths.camera(camera)}${range ? `?${rangeQuery(range)}` : ""}`;
    const answers = await Promise.all(
      holders.map((holder) => askHolderForJson(holder, recordingsDeletedSchema, { path, method: "DELETE" })),
    );
    if (silent.length > 0) throw this.#nothing(camera, searched, silent);
    return {
      deletedSegments: answers.reduce((sum, { deletedSegments }) => sum + deletedSegments, 0),
      deletedBytes: answers.reduce((sum, { deletedBytes }) => sum + deletedBytes, 0),
    };
  }

  async #find(camera: string, range: VideoRange): Promise<Found> {
    checkCamera(camera);
    checkRange(range);
    return this.#parts.holders.find(camera, range);
  }

  async #fetch(
    camera: string,
    range: VideoRange,
    holder: RecordingsAnswer | undefined,
    { silent }: Found,
    { audio, headers = {}, signal }: VideoOptions,
  ): Promise<Response> {
    if (!holder) throw this.#nothing(camera, range, silent);
    const path = `${recordingPaths.video(camera)}?${rangeQuery(range)}${audio ? "" : "&audio=0"}`;
    return askHolder(holder, { path, headers, signal });
  }

  #nothing(camera: string, range: VideoRange, silent: readonly string[]): ApiError {
    const { holders, status, requireCamera } = this.#parts;
    if (silent.length === 0 && holders.any) requireCamera(camera);
    return nothingFound({ camera, range, silent, anyIngest: holders.any, status: status(camera) });
  }
}

/** The id in `cameras/{camera}`. @throws ApiError invalid_argument */
export function readCameraName(name: string): string {
  const id = cameraIdOf(name);
  if (id === undefined)
    throw new ApiError("invalid_argument", "the camera's name is not valid; expected cameras/{camera}");
  return id;
}

function checkCamera(camera: string): void {
  if (!isCameraId(camera)) throw new ApiError("invalid_argument", "the camera's name is not valid");
}

function checkRange({ fromMs, toMs }: VideoRange): void {
  if (!(fromMs < toMs))
    throw new ApiError("invalid_argument", "the end of the time range is not after its start");
}

/** The ingest with the longest part of the range; undefined when none has any. */
function mostOf(
  { holders }: Found,
  rangeAt: (holder: RecordingsAnswer) => VideoRange,
): RecordingsAnswer | undefined {
  const parts = holders.map((holder) => ({ holder, ms: heldMs(holder, rangeAt(holder)) }));
  return parts.filter(({ ms }) => ms > 0).sort((a, b) => b.ms - a.ms)[0]?.holder;
}

function heldMs({ spans }: RecordingsAnswer, { fromMs, toMs }: VideoRange): number {
  return spans.reduce(
    (sum, span) => sum + Math.max(0, Math.min(span.toMs, toMs) - Math.max(span.fromMs, fromMs)),
    0,
  );
}

/** Whole milliseconds, so that nothing of the range is left out. */
function rangeQuery({ fromMs, toMs }: VideoRange): string {
  return `from_ms=${Math.floor(fromMs)}&to_ms=${Math.ceil(toMs)}`;
}
