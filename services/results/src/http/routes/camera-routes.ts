import {
  cameraName,
  cameraOfSettings,
  cameraPathsOf,
  httpCameraChangesSchema,
  httpCameraPageSchema,
  httpCameraSchema,
  httpChangedCameraSchema,
  httpNewCameraSchema,
  httpProbeRequestSchema,
  httpProbeSchema,
} from "@sightline/contracts";
import { z } from "zod";
import { parseCameraUri } from "../../cameras/camera-uri.ts";
import { faultsOf, throwFaults } from "../../errors.ts";
import { requesterOf } from "../access/http-guard.ts";
import { formFaults } from "../json/camera-json.ts";
import { bodyIsCheckedLater, readFields } from "../json-body.ts";
import {
  cameraParams,
  conditional,
  errorAnswers,
  etagOfIfMatch,
  names,
  wholeNumberParam,
} from "./api-error.ts";
import type { ApiApp, Parts } from "./parts.ts";

const tags = ["cameras"];

/** Registering, reading, changing and removing cameras. */
export function cameraRoutes(app: ApiApp, parts: Parts): void {
  app.get(
    "/cameras",
    {
      schema: {
        tags,
        operationId: "listCameras",
        summary: "Lists cameras by id, a page at a time.",
        querystring: z.object({
          pageSize: wholeNumberParam(1, 1000).default(100),
          pageToken: z.string().max(512).default(""),
          label: names.describe("Only cameras that have all of these labels, each as key=value."),
        }),
        response: { 200: httpCameraPageSchema, ...errorAnswers },
      },
    },
    async (request) => {
      const { cameras, view } = parts();
      const { label: labels, ...page } = request.query;
      const found = cameras.service.list({ ...page, labels }, requesterOf(request).scope);
      return { ...found, cameras: found.cameras.map((camera) => view.show(camera)) };
    },
  );
  app.post(
    "/cameras",
    {
      validatorCompiler: bodyIsCheckedLater,
      schema: {
        tags,
        operationId: "registerCamera",
        summary: "Registers a camera.",
        body: httpNewCameraSchema,
        response: { 201: httpChangedCameraSchema, ...errorAnswers },
      },
    },
    async ({ body }, reply) => {
      const { cameras, view } = parts();
      const read = readFields(httpNewCameraSchema, body);
      const { id = "", ...settings } = read.fields;
      const request = { cameraId: id, camera: cameraOfSettings(settings) };
      const camera = await cameras.service.register(request, formFaults(read));
      reply.header("location", `/api/v1/cameras/${id}`).header("etag", `"${camera.etag}"`);
      return reply.code(201).send({ ...view.show(camera), warnings: cameras.service.warnings(camera) });
    },
  );
  app.get(
    "/cameras/:camera",
    {
      schema: {
        tags,
        operationId: "getCamera",
        summary: "Returns a camera with its status and what is the matter with it.",
        params: cameraParams,
        response: { 200: httpCameraSchema, ...errorAnswers },
      },
    },
    async ({ params }, reply) => {
      const { cameras, view } = parts();
      const camera = cameras.service.get({ name: cameraName(params.camera) });
      reply.header("etag", `"${camera.etag}"`);
      return view.show(camera);
    },
  );
  app.patch(
    "/cameras/:camera",
    {
      validatorCompiler: bodyIsCheckedLater,
      schema: {
        tags,
        operationId: "updateCamera",
        summary: "Changes the settings that the body names.",
        params: cameraParams,
        headers: conditional,
        body: httpCameraChangesSchema,
        response: { 200: httpChangedCameraSchema, ...errorAnswers },
      },
    },
    async (asked, reply) => {
      const { params, body, headers } = asked;
      const { cameras, view } = parts();
      const etag = etagOfIfMatch(headers["if-match"]);
      const read = readFields(httpCameraChangesSchema, body);
      const { fields } = read;
      const request = {
        camera: { ...cameraOfSettings(fields), name: cameraName(params.camera), etag },
        updateMask: cameraPathsOf(fields),
      };
      const camera = await cameras.service.update(request, formFaults(read), requesterOf(asked).scope);
      reply.header("etag", `"${camera.etag}"`);
      return { ...view.show(camera), warnings: cameras.service.warnings(camera, request.updateMask) };
    },
  );
  app.delete(
    "/cameras/:camera",
    {
      schema: {
        tags,
        operationId: "deleteCamera",
        summary: "Removes a camera and its rules.",
        params: cameraParams,
        response: { 204: z.undefined().describe("The camera is removed."), ...errorAnswers },
      },
    },
    async ({ params }, reply) => {
      await parts().cameras.service.delete({ name: cameraName(params.camera) });
      return reply.code(204).send();
    },
  );
  app.post(
    "/probe",
    {
      validatorCompiler: bodyIsCheckedLater,
      schema: {
        tags,
        operationId: "probeCamera",
        summary: "Tries a camera out that need not be registered; takes up to 12 s.",
        body: httpProbeRequestSchema,
        response: { 200: httpProbeSchema, ...errorAnswers },
      },
    },
    async ({ body }) => {
      const { fields, faults, faulty } = readFields(httpProbeRequestSchema, body);
      const { uri = "" } = fields;
      throwFaults([...faults, ...(faulty.has("uri") ? [] : faultsOf(() => parseCameraUri(uri)))]);
      return parts().probe.probe({ ...fields, uri });
    },
  );
}
