import {
  httpInspectedSchema,
  httpModelJobSchema,
  httpModelJobsSchema,
  httpNewEvaluationSchema,
  httpNewImportSchema,
  pieceBytes,
} from "@sightline/contracts";
import { CreateModelEvaluationRequest, CreateModelImportRequest } from "@sightline/contracts/api";
import { z } from "zod";
import { ApiError } from "../../errors.ts";
import { jobName } from "../../models/jobs/job-message.ts";
import { modelName, versionName } from "../../models/model-name.ts";
import { toHttpInspected, toHttpJob } from "../json/model-job-json.ts";
import { errorAnswers, wholeNumberParam } from "./api-error.ts";
import type { ApiApp, Parts } from "./parts.ts";

const tags = ["models"];
const versionParams = z.object({
  model: z.string().max(63).describe("Name of the model."),
  version: z.string().max(64).describe("Its number, or the first digits of its digest."),
});
const jobParams = z.object({ job: z.string().max(63).describe("Id of the job.") });
const pieceParams = jobParams.extend({
  file: z.string().max(63).describe("`export`, `clip` or `labels`."),
  piece: wholeNumberParam(0, 1_000_000).describe(`From 0. All but the last have ${pieceBytes} bytes.`),
});
const noContent = (words: string) => z.undefined().describe(words);

/** The content of model versions, and imports and evaluations with their uploaded files. */
export function modelJobRoutes(app: ApiApp, parts: Parts): void {
  app.get(
    "/models/:model/versions/:version",
    {
      schema: {
        tags,
        operationId: "inspectModelVersion",
        summary:
          "Tells what a version of a model is: its files, what they take and give, and how they were measured.",
        params: versionParams,
        response: { 200: httpInspectedSchema, ...errorAnswers },
      },
    },
    async ({ params }) =>
      toHttpInspected(
        await parts().models.files.inspect({ name: versionName(params.model, params.version) }),
      ),
  );
  app.delete(
    "/models/:model/versions/:version",
    {
      schema: {
        tags,
        operationId: "deleteModelVersion",
        summary: "Deletes a version that was uploaded, from the store and from the disks of the workers.",
        params: versionParams,
        response: { 204: noContent("It is deleted."), ...errorAnswers },
      },
    },
    async ({ params }, reply) => {
      await parts().models.files.delete({ name: versionName(params.model, params.version) });
      return reply.code(204).send();
    },
  );
  app.get(
    "/model-jobs",
    {
      schema: {
        tags,
        operationId: "listModelJobs",
        summary: "Lists imports and evaluations, the newest first.",
        response: { 200: httpModelJobsSchema, ...errorAnswers },
      },
    },
    async () => ({ jobs: parts().models.jobs.list().map(toHttpJob) }),
  );
  app.post(
    "/model-jobs/import",
    {
      schema: {
        tags,
        operationId: "createModelImport",
        summary: "Begins to bring an export as a model or a version of one; its file follows in pieces.",
        body: httpNewImportSchema,
        response: { 201: httpModelJobSchema, ...errorAnswers },
      },
    },
    async ({ body }, reply) => {
      const { model, isNew, settings = {}, file } = body;
      const { input, ...rest } = settings;
      const created = await parts().models.jobs.createImport(
        CreateModelImportRequest.fromPartial({
          ...{ model: modelName(model), isNew, settings: { ...rest, ...input } },
          file: { name: "export", fileName: file.fileName, sizeBytes: file.bytes },
        }),
      );
      return reply.code(201).send(toHttpJob(created));
    },
  );
  app.post(
    "/model-jobs/evaluation",
    {
      schema: {
        tags,
        operationId: "createModelEvaluation",
        summary: "Begins to score a model, or two, on a clip with labels; both files follow in pieces.",
        body: httpNewEvaluationSchema,
        response: { 201: httpModelJobSchema, ...errorAnswers },
      },
    },
    async ({ body }, reply) => {
      const file = (name: "clip" | "labels") => ({
        ...{ name, fileName: body[name].fileName, sizeBytes: body[name].bytes },
      });
      const created = await parts().models.jobs.createEvaluation(
        CreateModelEvaluationRequest.fromPartial({
          models: body.models.map((each) => ({ ...each, model: modelName(each.model) })),
          minHeight: body.minHeight ?? 0,
          files: [file("clip"), file("labels")],
        }),
      );
      return reply.code(201).send(toHttpJob(created));
    },
  );
  app.get(
    "/model-jobs/:job",
    {
      schema: {
        tags,
        operationId: "getModelJob",
        summary: "Returns an import or evaluation, with what came of it.",
        params: jobParams,
        response: { 200: httpModelJobSchema, ...errorAnswers },
      },
    },
    async ({ params }) => toHttpJob(parts().models.jobs.get({ name: jobName(params.job) })),
  );
  app.post(
    "/model-jobs/:job/start",
    {
      schema: {
        tags,
        operationId: "startModelJob",
        summary: "Lets a worker begin, now that all pieces of all files are there.",
        params: jobParams,
        response: { 200: httpModelJobSchema, ...errorAnswers },
      },
    },
    async ({ params }) => toHttpJob(await parts().models.jobs.start({ name: jobName(params.job) })),
  );
  app.post(
    "/model-jobs/:job/cancel",
    {
      schema: {
        tags,
        operationId: "cancelModelJob",
        summary: "Ends an import or evaluation that is not done.",
        params: jobParams,
        response: { 200: httpModelJobSchema, ...errorAnswers },
      },
    },
    async ({ params }) => toHttpJob(await parts().models.jobs.cancel({ name: jobName(params.job) })),
  );
  app.delete(
    "/model-jobs/:job",
    {
      schema: {
        tags,
        operationId: "deleteModelJob",
        summary:
          "Ends an import or evaluation if it is not done, and forgets it; a version that it made stays.",
        params: jobParams,
        response: { 204: noContent("It is forgotten."), ...errorAnswers },
      },
    },
    async ({ params }, reply) => {
      await parts().models.jobs.delete({ name: jobName(params.job) });
      return reply.code(204).send();
    },
  );
  // In its own scope, because no other route accepts bytes.
  app.register(async (scope) => {
    const bytes = scope as unknown as ApiApp;
    bytes.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );
    bytes.put(
      "/model-jobs/:job/files/:file/:piece",
      {
        bodyLimit: pieceBytes,
        schema: {
          tags,
          operationId: "uploadModelJobPiece",
          summary: "Brings a piece of a file of a job; in any order, and again.",
          description: `The body is the piece's bytes as application/octet-stream: ${pieceBytes} but for the last.`,
          params: pieceParams,
          consumes: ["application/octet-stream"],
          response: { 204: noContent("It is stored."), ...errorAnswers },
        },
      },
      async ({ params: { job, file, piece }, body }, reply) => {
        if (!Buffer.isBuffer(body))
          throw new ApiError("media_type_refused", "expected the piece's bytes as application/octet-stream");
        await parts().models.jobs.uploadPiece({ name: jobName(job), file, piece, content: body });
        return reply.code(204).send();
      },
    );
  });
}
