import { httpSystemSchema } from "@sightline/contracts";
import { requesterOf } from "../access/http-guard.ts";
import { errorAnswers } from "./api-error.ts";
import type { ApiApp, Parts } from "./parts.ts";

/** The system as a whole. */
export function systemRoutes(app: ApiApp, parts: Parts): void {
  app.get(
    "/system",
    {
      schema: {
        tags: ["system"],
        operationId: "getSystem",
        summary: "Returns workers, models, streams, and what is the matter with the system.",
        response: { 200: httpSystemSchema, ...errorAnswers },
      },
    },
    async (request) => parts().system.show(requesterOf(request).scope),
  );
}
