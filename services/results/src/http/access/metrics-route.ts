import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import type { CameraScope } from "../../access/camera-scope.ts";
import { requesterOf } from "./http-guard.ts";

/** Prometheus text of what the caller may see. */
export function metricsRoute(app: FastifyInstance, registry: Registry): void {
  app.get("/metrics", async (request, reply) => {
    const text = await registry.metrics();
    reply.type(registry.contentType);
    return metricsFor(requesterOf(request).scope, text);
  });
}

/** A quote within a label's value has a backslash before it, so this is a label and none that looks like one. */
const cameraLabel = /[{,]camera="([^"\\]*)"/;

/** Who does not see all cameras is told of its own, and nothing of the system, whose sums hold the others too. */
export function metricsFor(scope: CameraScope, text: string): string {
  if (scope.all) return text;
  return text
    .split("\n")
    .filter((line) => {
      if (line === "" || line.startsWith("#")) return true;
      const camera = cameraLabel.exec(line)?.[1];
      return camera !== undefined && scope.sees(camera);
    })
    .join("\n");
}
