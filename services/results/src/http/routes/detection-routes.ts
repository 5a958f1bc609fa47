import { cameraName, httpAnalysedFramePageSchema, toTimestamp } from "@sightline/contracts";
import { ListDetectionsRequest } from "@sightline/contracts/api";
import { z } from "zod";
import { requesterOf } from "../access/http-guard.ts";
import { toHttpAnalysedFrame } from "../live/picture-message.ts";
import { cameraParams, errorAnswers, flag, time, wholeNumberParam } from "./api-error.ts";
import type { ApiApp, Parts } from "./parts.ts";

const query = z.object({
  from: time.optional().describe("Captured at this time or later; without, from the oldest kept on."),
  to: time.optional().describe("Captured before this time; without, until now."),
  empty: flag.describe("Frames too in which nothing was detected."),
  pageSize: wholeNumberParam(1, 1000).default(100),
  pageToken: z.string().max(4096).default(""),
});

/** Stored detections of a camera's frames. */
export function detectionRoutes(app: ApiApp, parts: Parts): void {
  app.get(
    "/cameras/:camera/detections",
    {
      schema: {
        tags: ["detections"],
        operationId: "listDetections",
        summary:
          "Lists a camera's analysed frames with what was detected in them, oldest first, a page at a time.",
        params: cameraParams,
        querystring: query,
        response: { 200: httpAnalysedFramePageSchema, ...errorAnswers },
      },
    },
    async (request) => {
      const { params, query } = request;
      const timeOf = (text: string | undefined) =>
        text === undefined ? undefined : toTimestamp(Date.parse(text));
      const asked = ListDetectionsRequest.fromPartial({
        cameras: [cameraName(params.camera)],
        startTime: timeOf(query.from),
        endTime: timeOf(query.to),
        includeEmpty: query.empty,
        pageSize: query.pageSize,
        pageToken: query.pageToken,
      });
      const { frames, nextPageToken } = await parts().history.detections.list(
        asked,
        requesterOf(request).scope,
      );
      const now = Date.now();
      return { frames: frames.map((frame) => toHttpAnalysedFrame(frame, now)), nextPageToken };
    },
  );
}
