import {
  cameraName,
  Duration,
  httpActivatedSchema,
  httpActivateSchema,
  httpModelsSchema,
  httpNewShadowSchema,
  httpShadowSchema,
  httpShadowsSchema,
} from "@sightline/contracts";
import { StartModelShadowRequest } from "@sightline/contracts/api";
import { z } from "zod";
import { modelName, versionName } from "../../models/model-name.ts";
import { shadowName } from "../../models/shadows/shadow-message.ts";
import { requesterOf } from "../access/http-guard.ts";
import { toHttpActivated, toHttpModel, toHttpShadow } from "../json/model-json.ts";
import { untilClosed } from "../video-answer.ts";
import { errorAnswers, jpegAnswer } from "./api-error.ts";
import type { ApiApp, Parts } from "./parts.ts";

const tags = ["models"];
const modelParams = z.object({ model: z.string().max(63).describe("Name of the model.") });
const shadowParams = z.object({ shadow: z.string().max(63).describe("Id of the shadow.") });
const pictureParams = shadowParams.extend({ frame: z.string().max(63).describe("Id of the frame.") });
const noContent = (words: string) => z.undefined().describe(words);

/** Models, their versions, and shadows. */
export function modelRoutes(app: ApiApp, parts: Parts): void {
  app.get(
    "/models",
    {
      schema: {
        tags,
        operationId: "listModels",
        summary: "Lists the models that workers have, with their versions and the cameras that ask for them.",
        response: { 200: httpModelsSchema, ...errorAnswers },
      },
    },
    async (request) => {
      const { service, versionRecords, camerasOf } = parts().models;
      const workers = versionRecords.workers();
      const { scope } = requesterOf(request);
      return {
        faults: service.faults(),
        models: service.list().map((model) => {
          const name = model.name.slice(model.name.indexOf("/") + 1);
          const { versions } = service.listVersions({ parent: model.name });
          const having = workers.filter((worker) => worker.model === name);
          const cameras = camerasOf(name).filter((camera) => scope.sees(camera));
          return toHttpModel(model, versions, having, cameras);
        }),
      };
    },
  );
  app.post(
    "/models/:model/activate",
    {
      schema: {
        tags,
        operationId: "activateModel",
        summary: "Makes a version the one that all workers of the model serve, without a stop.",
        params: modelParams,
        body: httpActivateSchema,
        response: { 200: httpActivatedSchema, ...errorAnswers },
      },
    },
    async ({ params, body }, reply) => {
      const name = versionName(params.model, body.version);
      const { version, warnings } = await parts().models.service.activate(
        { name, timeout: undefined },
        untilClosed(reply),
      );
      return toHttpActivated(version, warnings);
    },
  );
  app.post(
    "/models/:model/rollback",
    {
      schema: {
        tags,
        operationId: "rollbackModel",
        summary: "Activates the version that was active before.",
        params: modelParams,
        response: { 200: httpActivatedSchema, ...errorAnswers },
      },
    },
    async ({ params }, reply) => {
      const name = modelName(params.model);
      const { version, warnings } = await parts().models.service.rollback(
        { name, timeout: undefined },
        untilClosed(reply),
      );
      return toHttpActivated(version, warnings);
    },
  );
  app.get(
    "/shadows",
    {
      schema: {
        tags,
        operationId: "listShadows",
        summary: "Lists shadows that run and have run, the newest first, without their frames.",
        response: { 200: httpShadowsSchema, ...errorAnswers },
      },
    },
    async (request) => ({
      shadows: parts().models.shadows.list(requesterOf(request).scope).shadows.map(toHttpShadow),
    }),
  );
  app.post(
    "/shadows",
    {
      schema: {
        tags,
        operationId: "startShadow",
        summary: "Begins to run a share of a camera's frames by another model too, and to compare.",
        body: httpNewShadowSchema,
        response: { 201: httpShadowSchema, ...errorAnswers },
      },
    },
    async ({ body }, reply) => {
      const { camera, model, seconds, ...settings } = body;
      const started = await parts().models.shadows.start(
        StartModelShadowRequest.fromPartial({
          ...settings,
          camera: cameraName(camera),
          model: modelName(model),
          ...(seconds === undefined ? {} : { duration: Duration.fromPartial({ seconds }) }),
        }),
      );
      return reply.code(201).send(toHttpShadow(started));
    },
  );
  app.get(
    "/shadows/:shadow",
    {
      schema: {
        tags,
        operationId: "getShadow",
        summary: "Returns what a shadow has found so far.",
        params: shadowParams,
        response: { 200: httpShadowSchema, ...errorAnswers },
      },
    },
    async (request) =>
      toHttpShadow(
        parts().models.shadows.get({ name: shadowName(request.params.shadow) }, requesterOf(request).scope),
      ),
  );
  app.post(
    "/shadows/:shadow/stop",
    {
      schema: {
        tags,
        operationId: "stopShadow",
        summary: "Ends a shadow; what it has found stays.",
        params: shadowParams,
        response: { 200: httpShadowSchema, ...errorAnswers },
      },
    },
    async (request) => {
      const name = shadowName(request.params.shadow);
      return toHttpShadow(await parts().models.shadows.stop({ name }, requesterOf(request).scope));
    },
  );
  app.delete(
    "/shadows/:shadow",
    {
      schema: {
        tags,
        operationId: "deleteShadow",
        summary: "Ends a shadow and deletes what it has found.",
        params: shadowParams,
        response: { 204: noContent("It is deleted."), ...errorAnswers },
      },
    },
    async (request, reply) => {
      await parts().models.shadows.delete(
        { name: shadowName(request.params.shadow) },
        requesterOf(request).scope,
      );
      return reply.code(204).send();
    },
  );
  app.get(
    "/shadows/:shadow/pictures/:frame",
    {
      schema: {
        tags,
        operationId: "getShadowPicture",
        summary: "Returns the picture of one of a shadow's frames, with the boxes that differ.",
        params: pictureParams,
        response: { 200: jpegAnswer, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { shadow, frame } = request.params;
      const jpeg = await parts().models.shadows.picture(
        { name: shadowName(shadow), frame },
        requesterOf(request).scope,
      );
      return reply.type("image/jpeg").send(Buffer.from(jpeg));
    },
  );
}
