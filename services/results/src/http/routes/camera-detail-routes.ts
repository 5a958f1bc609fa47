import {
  cameraName,
  httpRulesSchema,
  httpRulesUpdateSchema,
  httpSeriesSchema,
  pictureSources,
} from "@sightline/contracts";
import { formatRules } from "@sightline/rules";
import { z } from "zod";
import { rulesName } from "../../rules/rules-service.ts";
import { bodyIsCheckedLater } from "../json-body.ts";
import { seriesSeconds } from "../series/camera-series.ts";
import { withoutOffset } from "../series/series-store.ts";
import {
  cameraParams,
  conditional,
  errorAnswers,
  etagOfIfMatch,
  flag,
  jpegAnswer,
  wholeNumberParam,
} from "./api-error.ts";
import type { ApiApp, Parts } from "./parts.ts";

const tags = ["cameras"];
/** Rules have up to 64 shapes of each kind with 64 points each, and 128 rules that name classes. */
const maxRulesBytes = 1024 * 1024;

/** A camera's rules, newest picture and series. */
export function cameraDetailRoutes(app: ApiApp, parts: Parts): void {
  app.get(
    "/cameras/:camera/rules",
    {
      schema: {
        tags,
        operationId: "getRules",
        summary: "Returns a camera's zones, lines, masks and rules in the form of a rules file.",
        params: cameraParams,
        response: { 200: httpRulesSchema, ...errorAnswers },
      },
    },
    async ({ params }, reply) => {
      const rules = parts().rules.service.get({ name: rulesName(params.camera) });
      reply.header("etag", `"${rules.etag}"`);
      return formatRules(rules);
    },
  );
  app.put(
    "/cameras/:camera/rules",
    {
      bodyLimit: maxRulesBytes,
      // The rules code checks a rules file itself: it finds all faults and knows what to do about them.
      validatorCompiler: bodyIsCheckedLater,
      schema: {
        tags,
        operationId: "setRules",
        summary: "Replaces a camera's rules as a whole.",
        params: cameraParams,
        headers: conditional,
        body: httpRulesUpdateSchema,
        response: { 200: httpRulesSchema, ...errorAnswers },
      },
    },
    async ({ params, body, headers }, reply) => {
      const etag = etagOfIfMatch(headers["if-match"]);
      const rules = await parts().rules.service.updateFromFile(params.camera, body, etag);
      reply.header("etag", `"${rules.etag}"`);
      return formatRules(rules);
    },
  );
  app.get(
    "/cameras/:camera/picture",
    {
      schema: {
        tags,
        operationId: "getPicture",
        summary: "Returns the newest analysed picture of a camera.",
        params: cameraParams,
        querystring: z.object({
          width: wholeNumberParam(16, 4096)
            .optional()
            .describe("Most pixels wide; a picture is never made larger."),
          annotated: flag.describe("Draw the detections into it."),
          frame: z
            .enum(pictureSources)
            .default("camera")
            .describe("In the camera's own resolution, where that can be had, or as the model saw it."),
        }),
        response: { 200: jpegAnswer, ...errorAnswers },
      },
    },
    async ({ params, query }, reply) => {
      const { annotated, width, frame: source } = query;
      const name = cameraName(params.camera);
      const { jpeg } = await parts().snapshots.cameraSnapshots.get(name, {
        annotated,
        source,
        maxWidth: width,
      });
      return reply.type("image/jpeg").send(Buffer.from(jpeg));
    },
  );
  app.get(
    "/cameras/:camera/series",
    {
      schema: {
        tags,
        operationId: "getSeries",
        summary: "Returns the last seconds of a camera, oldest first, one sample each.",
        params: cameraParams,
        querystring: z.object({
          seconds: wholeNumberParam(1, seriesSeconds).default(seriesSeconds),
        }),
        response: { 200: httpSeriesSchema, ...errorAnswers },
      },
    },
    async ({ params: { camera }, query }) => {
      const { cameras, series } = parts();
      cameras.service.get({ name: cameraName(camera) });
      return { camera, samples: series.recent(camera, query.seconds).map(withoutOffset) };
    },
  );
}
