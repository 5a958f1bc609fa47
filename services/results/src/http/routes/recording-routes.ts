import {
  cameraName,
  type HttpRecordingSpan,
  httpCameraDataDeletedSchema,
  httpRecordingDeletedSchema,
  httpRecordingSpansSchema,
  type Timestamp,
  toTimestamp,
} from "@sightline/contracts";
import { z } from "zod";
import { playlistOf, segmentExtension } from "../../recordings/playlist.ts";
import type { HeldSpan } from "../../recordings/recording-service.ts";
import { openRange } from "../../recordings/video-range.ts";
import { rangeHeaders, sendVideo, untilClosed, videoAnswers } from "../video-answer.ts";
import { cameraParams, errorAnswers, flagSet, time } from "./api-error.ts";
import { eventName, eventParams } from "./event-routes.ts";
import type { ApiApp, Parts } from "./parts.ts";

const tags = ["recordings"];
const openQuery = z.object({
  from: time.optional().describe("Without, from the oldest on."),
  to: time.optional().describe("Without, up to the newest."),
});
const audio = flagSet.describe("Whether it has the sound that was recorded.");
const boundedQuery = z.object({ from: time, to: time.describe("At most an hour after `from`.") });

const playlistAnswer = {
  description: "The playlist.",
  content: { "application/vnd.apple.mpegurl": { schema: z.string() } },
};

/** Recorded video of cameras and events. */
export function recordingRoutes(app: ApiApp, parts: Parts): void {
  app.get(
    "/cameras/:camera/recording",
    {
      schema: {
        tags,
        operationId: "getRecording",
        summary: "Returns a range of a camera's recording as one MP4; takes Range.",
        params: cameraParams,
        querystring: boundedQuery.extend({ audio }),
        response: { ...videoAnswers, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const options = { audio: query.audio, headers: rangeHeaders(request), signal: untilClosed(reply) };
      const range = readRange(query);
      const video = await parts().recordings.video(params.camera, range, options);
      return sendVideo(request, reply, video, fileName(params.camera, range.fromMs));
    },
  );
  app.get(
    "/cameras/:camera/recording/spans",
    {
      schema: {
        tags,
        operationId: "listRecordingSpans",
        summary: "Lists the stretches of time of which a camera's video is kept.",
        params: cameraParams,
        querystring: openQuery,
        response: { 200: httpRecordingSpansSchema, ...errorAnswers },
      },
    },
    async ({ params, query }) => {
      const { spans, silent } = await parts().recordings.spans(params.camera, readRange(query));
      return { spans: spans.map(toHttpSpan), silentIngests: silent };
    },
  );
  app.get(
    "/cameras/:camera/recording/playlist.m3u8",
    {
      schema: {
        tags,
        operationId: "getRecordingPlaylist",
        summary:
          "Returns an HLS playlist of a camera's recording, whose segments are played as they are needed.",
        params: cameraParams,
        querystring: z.object({ from: time, to: time, audio }),
        response: { 200: playlistAnswer, ...errorAnswers },
      },
    },
    async ({ params, query }, reply) => {
      const signal = untilClosed(reply);
      const range = readRange(query);
      const segments = await parts().recordings.segments(params.camera, range, signal);
      reply.type("application/vnd.apple.mpegurl");
      return playlistOf(segments, range.fromMs, query.audio);
    },
  );
  app.get(
    "/cameras/:camera/recording/segments/:ingest/:segment",
    {
      schema: {
        tags,
        operationId: "getRecordingSegment",
        summary: "Returns a file that a playlist names; takes Range.",
        params: cameraParams.extend({ ingest: z.string().max(128), segment: z.string().max(128) }),
        querystring: z.object({ audio }),
        response: { ...videoAnswers, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { camera, ingest, segment } = request.params;
      const id = segment.replace(segmentExtension, "");
      const { audio } = request.query;
      const options = { audio, headers: rangeHeaders(request), signal: untilClosed(reply) };
      const file = await parts().recordings.segment(camera, { ingest, id }, options);
      return sendVideo(request, reply, file);
    },
  );
  app.delete(
    "/cameras/:camera/recording",
    {
      schema: {
        tags,
        operationId: "deleteRecording",
        summary: "Deletes what is kept of a camera in a range of time, or all of it.",
        params: cameraParams,
        querystring: openQuery,
        response: { 200: httpRecordingDeletedSchema, ...errorAnswers },
      },
    },
    ({ params, query }) =>
      parts().recordings.delete(params.camera, query.from || query.to ? readRange(query) : undefined),
  );
  app.delete(
    "/cameras/:camera/data",
    {
      schema: {
        tags,
        operationId: "deleteCameraData",
        summary:
          "Deletes what is kept of a camera in a range of time, or all of it: events, their pictures, detections, recordings.",
        params: cameraParams,
        querystring: openQuery,
        response: { 200: httpCameraDataDeletedSchema, ...errorAnswers },
      },
    },
    ({ params, query }) =>
      parts().cameraData.delete(cameraName(params.camera), timeOf(query.from), timeOf(query.to)),
  );
  app.get(
    "/events/:camera/:event/clip",
    {
      schema: {
        tags,
        operationId: "getClip",
        summary:
          "Returns the video of an event, from some seconds before it to some after it, as MP4; takes Range.",
        params: eventParams,
        querystring: z.object({ audio }),
        response: { ...videoAnswers, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const options = { audio: query.audio, headers: rangeHeaders(request), signal: untilClosed(reply) };
      const video = await parts().recordings.clip(eventName(params), options);
      return sendVideo(request, reply, video, `${params.camera}-${params.event}.mp4`);
    },
  );
}

function timeOf(text: string | undefined): Timestamp | undefined {
  return text === undefined ? undefined : toTimestamp(Date.parse(text));
}

function readRange({ from, to }: { from?: string | undefined; to?: string | undefined }) {
  return openRange(timeOf(from), timeOf(to));
}

function fileName(camera: string, fromMs: number): string {
  return `${camera}-${new Date(fromMs).toISOString().slice(0, 19).replaceAll(":", "-")}Z.mp4`;
}

function toHttpSpan({ fromMs, toMs, ...span }: HeldSpan): HttpRecordingSpan {
  return { startTime: new Date(fromMs).toISOString(), endTime: new Date(toMs).toISOString(), ...span };
}
