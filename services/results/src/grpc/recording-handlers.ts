import { type Timestamp, toTimestamp, videoFromHeader, videoToHeader } from "@sightline/contracts";
import {
  type CameraServiceServer,
  DownloadEventClipResponse,
  DownloadRecordingResponse,
  type EventServiceServer,
  type RecordingServiceServer,
  VideoInfo,
} from "@sightline/contracts/api";
import { ApiError } from "../errors.ts";
import { type HeldSpan, type RecordingService, readCameraName } from "../recordings/recording-service.ts";
import { openRange, type VideoRange } from "../recordings/video-range.ts";
import type { CameraSnapshots } from "../snapshots/camera-snapshots.ts";
import type { EventSnapshot, EventSnapshots } from "../snapshots/event-snapshots.ts";
import type { GrpcCalls } from "./grpc-calls.ts";

/** Bytes of one message; well below the limit. */
const chunkBytes = 256 * 1024;

type Part = NonNullable<DownloadRecordingResponse["part"]>;

/** RecordingService over gRPC. */
export function recordingHandlers(calls: GrpcCalls, service: RecordingService): RecordingServiceServer {
  return {
    listRecordingSpans: calls.unary("ListRecordingSpans", async ({ name, startTime, endTime }) => {
      const { spans, silent } = await service.spans(readCameraName(name), openRange(startTime, endTime));
      return { spans: spans.map(toSpanMessage), silentIngests: silent };
    }),
    downloadRecording: calls.send("DownloadRecording", async function* (request, { signal }) {
      const { name, startTime, endTime, audio = true } = request;
      const range = boundedRange(startTime, endTime);
      const video = await service.video(readCameraName(name), range, { audio, signal });
      for await (const part of partsOf(video)) yield DownloadRecordingResponse.fromPartial({ part });
    }),
    downloadEventClip: calls.send("DownloadEventClip", async function* ({ name, audio = true }, { signal }) {
      const video = await service.clip(name, { audio, signal });
      for await (const part of partsOf(video)) yield DownloadEventClipResponse.fromPartial({ part });
    }),
    deleteRecording: calls.unary("DeleteRecording", ({ name, startTime, endTime }) =>
      service.delete(readCameraName(name), startTime || endTime ? openRange(startTime, endTime) : undefined),
    ),
  };
}

function boundedRange(startTime: Timestamp | undefined, endTime: Timestamp | undefined): VideoRange {
  for (const [field, time] of Object.entries({ start_time: startTime, end_time: endTime }))
    if (!time)
      throw new ApiError("invalid_argument", `${field} is missing; expected the time of a recording`);
  return openRange(startTime, endTime);
}

async function* partsOf(video: Response): AsyncGenerator<Part, void> {
  const time = (header: string) => {
    const value = video.headers.get(header);
    return value === null ? undefined : toTimestamp(Number(value));
  };
  yield {
    $case: "info",
    value: VideoInfo.fromPartial({
      contentType: "video/mp4",
      sizeBytes: Number(video.headers.get("content-length") ?? 0),
      startTime: time(videoFromHeader),
      endTime: time(videoToHeader),
    }),
  };
  for await (const bytes of video.body ?? [])
    for (let at = 0; at < bytes.byteLength; at += chunkBytes)
      yield { $case: "content", value: Buffer.from(bytes.subarray(at, at + chunkBytes)) };
}

function toSpanMessage({ fromMs, toMs, ...span }: HeldSpan) {
  return { ...span, startTime: toTimestamp(fromMs), endTime: toTimestamp(toMs) };
}

/** The picture call of CameraService over gRPC. */
export function cameraSnapshotHandlers(
  calls: GrpcCalls,
  snapshots: CameraSnapshots,
): Pick<CameraServiceServer, "getCameraSnapshot"> {
  return {
    getCameraSnapshot: calls.unary("GetCameraSnapshot", async ({ name, annotated, modelFrame }) =>
      toPictureResponse(await snapshots.get(name, { annotated, source: modelFrame ? "model" : "camera" })),
    ),
  };
}

/** The picture call of EventService over gRPC. */
export function eventSnapshotHandlers(
  calls: GrpcCalls,
  snapshots: EventSnapshots,
): Pick<EventServiceServer, "getEventSnapshot"> {
  return {
    getEventSnapshot: calls.unary("GetEventSnapshot", async ({ name, annotated }, { signal }) =>
      toPictureResponse(await snapshots.get(name, { annotated }, signal)),
    ),
  };
}

function toPictureResponse({ jpeg, frame }: EventSnapshot) {
  return { contentType: "image/jpeg", content: Buffer.from(jpeg), frame };
}
