import swagger from "@fastify/swagger";
import websocket from "@fastify/websocket";
import type { Logger } from "@sightline/service";
import type { FastifyInstance } from "fastify";
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from "fastify-type-provider-zod";
import type { Registry } from "prom-client";
import type { AuditParts } from "../access/audit-history.ts";
import type { CallLimits } from "../access/call-limits.ts";
import type { CameraIds } from "../access/permit.ts";
import type { AccessParts } from "../access/start-access.ts";
import { ApiError } from "../errors.ts";
import { type CertificateUser, HttpGuard, recordRequests } from "./access/http-guard.ts";
import { consoleFiles } from "./console-files.ts";
import { apiErrorOf, sendError } from "./http-errors.ts";
import { acceptStrictJson } from "./json-body.ts";
import { liveRoute, OpenSockets } from "./live/live-route.ts";
import { videoRoute } from "./live/video-route.ts";
import { namedSchemas } from "./named-schemas.ts";
import { RequestGuard, securityHeaders, transportHeaders } from "./request-guard.ts";
import { authRoutes } from "./routes/auth-routes.ts";
import { cameraDetailRoutes } from "./routes/camera-detail-routes.ts";
import { cameraRoutes } from "./routes/camera-routes.ts";
import { detectionRoutes } from "./routes/detection-routes.ts";
import { eventRoutes } from "./routes/event-routes.ts";
import { modelJobRoutes } from "./routes/model-job-routes.ts";
import { modelRoutes } from "./routes/model-routes.ts";
import { oidcRoutes } from "./routes/oidc-routes.ts";
import type { ApiApp, HttpParts } from "./routes/parts.ts";
import { recordingRoutes } from "./routes/recording-routes.ts";
import { auditRoutes, metricsRoute, systemRoutes } from "./routes/system-routes.ts";
import { userRoutes } from "./routes/user-routes.ts";
import { refuseUnknownQuery } from "./strict-query.ts";

/** Largest default body of a route: a camera with 1000 classes fits. */
const maxBodyBytes = 128 * 1024;
/** Largest message from a browser: 256 cameras to watch fit. */
const maxMessageBytes = 64 * 1024;

export interface HttpApiOptions {
  version: string;
  /** Names of this server, besides addresses and localhost. */
  hosts: readonly string[];
  /** Directory of the built console. */
  consoleDirectory: string;
  /** Most WebSockets at a time. */
  maxSockets: number;
  maxSocketsPerUser: number;
  limits: CallLimits;
  /** Whether only this machine can reach the server. */
  local: boolean;
  certificateUser?: CertificateUser;
}

/**
 * The HTTP API, the live WebSocket and the console. The routes exist before the parts that they need, and answer 503 until `attach`, so
 * health can be requested while the service waits for NATS.
 */
export class HttpApi {
  readonly #options: HttpApiOptions;
  readonly #log: Logger;
  readonly #sockets: OpenSockets;
  readonly #guard: HttpGuard;
  #parts: HttpParts | undefined;
  #access: AccessParts | undefined;
  #audit: AuditParts | undefined;

  constructor(options: HttpApiOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#sockets = new OpenSockets(options.maxSockets, options.maxSocketsPerUser);
    this.#guard = new HttpGuard(options.local, options.limits, options.certificateUser);
  }

  /** Adds the routes to an app that does not listen yet. `metrics` is the content of `/metrics`. */
  async register(app: FastifyInstance, metrics: Registry): Promise<void> {
    const { hosts, consoleDirectory } = this.#options;
    const guard = new RequestGuard(hosts);
    // Before all hooks and for all routes: it closes the connections of refused upgrades.
    await app.register(websocket, {
      options: { maxPayload: maxMessageBytes },
      preClose(done) {
        for (const socket of app.websocketServer.clients) socket.terminate();
        app.websocketServer.close(done);
      },
    });
    await app.register(async (scope) => {
      scope.addHook("onRequest", async (request, reply) => {
        reply.headers(securityHeaders);
        if (request.protocol === "https") reply.headers(transportHeaders(request.hostname));
        guard.check(request);
      });
      this.#protect(scope);
      await scope.register(async (api) => this.#registerApi(api), { prefix: "/api/v1" });
      await consoleFiles(scope, consoleDirectory);
    });
    // Prometheus may use any host name.
    await app.register(async (scope) => {
      this.#protect(scope);
      metricsRoute(scope, metrics);
    });
  }

  /** Callers are identified from now on. `cameras` are the ids of all cameras. */
  attachAccess(access: AccessParts, cameras: CameraIds): void {
    this.#access = access;
    this.#guard.attach(access.identities, cameras);
  }

  /** Actions are recorded from now on. */
  attachAudit(audit: AuditParts): void {
    this.#audit = audit;
  }

  /** The other parts are available from now on. */
  attach(parts: HttpParts): void {
    this.#parts = parts;
  }

  /** Ends the WebSockets; the routes end with their server. */
  async stop(): Promise<void> {
    await this.#sockets.stop();
  }

  #protect(scope: FastifyInstance): void {
    this.#guard.protect(scope);
    recordRequests(scope, () => this.#audit?.audit);
    scope.setErrorHandler((error, request, reply) => {
      const told = apiErrorOf(this.#guard.tell(request, error));
      this.#options.limits.observe(told);
      return sendError(told, reply, this.#log);
    });
  }

  async #registerApi(scope: FastifyInstance): Promise<void> {
    scope.setValidatorCompiler(validatorCompiler);
    scope.setSerializerCompiler(serializerCompiler);
    scope.addHook("onRoute", (route) => {
      route.bodyLimit ??= maxBodyBytes;
    });
    // Only JSON: refuses what a form or a page of another site can send without asking for permission.
    scope.removeContentTypeParser("text/plain");
    acceptStrictJson(scope);
    refuseUnknownQuery(scope);
    scope.addHook("onSend", async (_request, reply) => {
      if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
    });
    await scope.register(swagger, {
      openapi: {
        openapi: "3.1.0",
        info: {
          title: "Sightline",
          version: this.#options.version,
          description: "HTTP API of the results service; docs/http-api.md describes the rest.",
          license: { name: "Apache-2.0", identifier: "Apache-2.0" },
        },
        servers: [{ url: "/" }],
      },
      transform: createJsonSchemaTransform({ schemaRegistry: namedSchemas }),
      transformObject: createJsonSchemaTransformObject({ schemaRegistry: namedSchemas }),
    });
    scope.after(() => {
      const api = scope as unknown as ApiApp;
      const parts = () => this.#present();
      cameraRoutes(api, parts);
      cameraDetailRoutes(api, parts);
      detectionRoutes(api, parts);
      eventRoutes(api, parts);
      recordingRoutes(api, parts);
      systemRoutes(api, parts);
      modelRoutes(api, parts);
      modelJobRoutes(api, parts);
      authRoutes(api, () => this.#presentAccess());
      oidcRoutes(api, () => this.#presentAccess(), this.#log);
      userRoutes(api, () => this.#presentAccess());
      auditRoutes(api, () => this.#presentAudit().history);
      liveRoute(scope, () => parts().live, this.#sockets);
      videoRoute(scope, () => parts().videos, this.#sockets);
      scope.get("/openapi.json", { schema: { hide: true } as object }, async () => scope.swagger());
    });
  }

  #present(): HttpParts {
    if (!this.#parts) throw starting();
    return this.#parts;
  }

  #presentAudit(): AuditParts {
    if (!this.#audit) throw starting();
    return this.#audit;
  }

  #presentAccess(): AccessParts {
    if (!this.#access) throw starting();
    return this.#access;
  }
}

function starting(): ApiError {
  return new ApiError("starting", "the server is starting: it waits for NATS; try again");
}
