import { cameraIdOf, type LiveMessage, type LiveRequest, parseEventName } from "@sightline/contracts";
import type {
  AccessServiceService,
  AuditServiceService,
  CameraServiceService,
  DetectionServiceService,
  EventServiceService,
  ModelServiceService,
  RecordingServiceService,
  RulesServiceService,
  SubscriptionServiceService,
} from "@sightline/contracts/api";
import type { Role } from "./principal.ts";

/** Who may use something: a role and higher roles, or "anyone", including unknown callers. */
export type Needs = Role | "anyone";

/**
 * How a call relates to cameras:
 * - `none`: it neither shows nor changes anything of a camera;
 * - `filtered`: its handler leaves out cameras that the caller may not see;
 * - a function: it concerns the camera with this id. A camera that the caller may not see is reported as not found; undefined when the
 * request does not name a valid camera, which the handler then refuses.
 */
export type CamerasConcerned<Request> = "none" | "filtered" | ((request: Request) => string | undefined);

export interface MethodAccess<Request> {
  needs: Needs;
  cameras: CamerasConcerned<Request>;
  /** The call creates the camera: a name that the caller would not see is not allowed. */
  creates?: true;
}

type RequestOf<Method> = Method extends { requestSerialize: (value: infer Request) => Buffer }
  ? Request
  : never;

/** One entry for each method of a service; a missing one is a type error. */
type ServiceAccess<Service> = {
  readonly [Method in keyof Service]: MethodAccess<RequestOf<Service[Method]>>;
};

const named = ({ name }: { name: string }) => cameraIdOf(name);
const ofRules = (name = "") => cameraIdOf(name.replace(/\/rules$/, ""));
const ofEvent = ({ name }: { name: string }) => parseEventName(name)?.camera;

/** Who may call what over gRPC. docs/security.md lists it for users; a test makes every call with every role. */
export const rpcAccess = {
  CameraService: {
    registerCamera: { needs: "operator", cameras: ({ cameraId }) => cameraId, creates: true },
    getCamera: { needs: "viewer", cameras: named },
    listCameras: { needs: "viewer", cameras: "filtered" },
    updateCamera: { needs: "operator", cameras: ({ camera }) => cameraIdOf(camera?.name ?? "") },
    deleteCamera: { needs: "operator", cameras: named },
    deleteCameraData: { needs: "operator", cameras: named },
    getCameraSnapshot: { needs: "viewer", cameras: named },
    watchCameras: { needs: "viewer", cameras: "filtered" },
  } satisfies ServiceAccess<typeof CameraServiceService>,
  DetectionService: {
    subscribeDetections: { needs: "viewer", cameras: "filtered" },
    listDetections: { needs: "viewer", cameras: "filtered" },
  } satisfies ServiceAccess<typeof DetectionServiceService>,
  EventService: {
    subscribeEvents: { needs: "viewer", cameras: "filtered" },
    listEvents: { needs: "viewer", cameras: "filtered" },
    getEvent: { needs: "viewer", cameras: ofEvent },
    countEvents: { needs: "viewer", cameras: "filtered" },
    reviewEvents: { needs: "operator", cameras: "filtered" },
    getEventSnapshot: { needs: "viewer", cameras: ofEvent },
  } satisfies ServiceAccess<typeof EventServiceService>,
  ModelService: {
    listModels: { needs: "viewer", cameras: "none" },
    listModelVersions: { needs: "viewer", cameras: "none" },
    activateModel: { needs: "admin", cameras: "none" },
    rollbackModel: { needs: "admin", cameras: "none" },
    startModelShadow: { needs: "admin", cameras: ({ camera }) => cameraIdOf(camera) },
    listModelShadows: { needs: "viewer", cameras: "filtered" },
    getModelShadow: { needs: "viewer", cameras: "filtered" },
    stopModelShadow: { needs: "admin", cameras: "filtered" },
    deleteModelShadow: { needs: "admin", cameras: "filtered" },
    getModelShadowPicture: { needs: "viewer", cameras: "filtered" },
    inspectModelVersion: { needs: "viewer", cameras: "none" },
    createModelImport: { needs: "admin", cameras: "none" },
    createModelEvaluation: { needs: "admin", cameras: "none" },
    uploadModelJobPiece: { needs: "admin", cameras: "none" },
    startModelJob: { needs: "admin", cameras: "none" },
    listModelJobs: { needs: "viewer", cameras: "none" },
    getModelJob: { needs: "viewer", cameras: "none" },
    cancelModelJob: { needs: "admin", cameras: "none" },
    deleteModelJob: { needs: "admin", cameras: "none" },
    deleteModelVersion: { needs: "admin", cameras: "none" },
  } satisfies ServiceAccess<typeof ModelServiceService>,
  RecordingService: {
    listRecordingSpans: { needs: "viewer", cameras: named },
    downloadRecording: { needs: "viewer", cameras: named },
    downloadEventClip: { needs: "viewer", cameras: ofEvent },
    deleteRecording: { needs: "operator", cameras: named },
  } satisfies ServiceAccess<typeof RecordingServiceService>,
  RulesService: {
    getCameraRules: { needs: "viewer", cameras: ({ name }) => ofRules(name) },
    updateCameraRules: { needs: "operator", cameras: ({ rules }) => ofRules(rules?.name) },
  } satisfies ServiceAccess<typeof RulesServiceService>,
  SubscriptionService: {
    createSubscription: { needs: "operator", cameras: "filtered" },
    getSubscription: { needs: "viewer", cameras: "filtered" },
    listSubscriptions: { needs: "viewer", cameras: "filtered" },
    deleteSubscription: { needs: "operator", cameras: "filtered" },
    consume: { needs: "operator", cameras: "filtered" },
    acknowledge: { needs: "operator", cameras: "filtered" },
    reject: { needs: "operator", cameras: "filtered" },
    listDeadLetters: { needs: "admin", cameras: "none" },
    deleteDeadLetter: { needs: "admin", cameras: "none" },
  } satisfies ServiceAccess<typeof SubscriptionServiceService>,
  AccessService: {
    whoAmI: { needs: "viewer", cameras: "none" },
    createLoginToken: { needs: "anyone", cameras: "none" },
    createUser: { needs: "admin", cameras: "none" },
    listUsers: { needs: "admin", cameras: "none" },
    updateUser: { needs: "admin", cameras: "none" },
    deleteUser: { needs: "admin", cameras: "none" },
    // Users set their own password, and create, see and revoke their own tokens: the handlers check that.
    setPassword: { needs: "viewer", cameras: "none" },
    createToken: { needs: "viewer", cameras: "none" },
    listTokens: { needs: "viewer", cameras: "none" },
    deleteToken: { needs: "viewer", cameras: "none" },
  } satisfies ServiceAccess<typeof AccessServiceService>,
  AuditService: {
    listAuditRecords: { needs: "admin", cameras: "none" },
  } satisfies ServiceAccess<typeof AuditServiceService>,
} as const;

/** A method by its service and name. */
export type RpcName = {
  [Service in keyof typeof rpcAccess]: Capitalize<keyof (typeof rpcAccess)[Service] & string>;
}[keyof typeof rpcAccess];

const accessByName = new Map<string, MethodAccess<never>>(
  Object.values(rpcAccess).flatMap((methods) =>
    Object.entries(methods).map(([method, access]): [string, MethodAccess<never>] => [
      method.charAt(0).toUpperCase() + method.slice(1),
      access,
    ]),
  ),
);

/** The access rule of a method. */
export function accessOfRpc(method: RpcName): MethodAccess<never> {
  return accessByName.get(method)!;
}

/** The parts of an HTTP request that an access rule uses. */
export interface RouteRequest {
  params: unknown;
  body: unknown;
}

const inPath = ({ params }: RouteRequest) => (params as { camera?: string }).camera;
const inBody = ({ body }: RouteRequest) => {
  const id = (body as { id?: unknown } | null | undefined)?.id;
  return typeof id === "string" ? id : undefined;
};
const cameraInBody = ({ body }: RouteRequest) => {
  const camera = (body as { camera?: unknown } | null | undefined)?.camera;
  return typeof camera === "string" ? camera : undefined;
};

/** Who may request what over HTTP, by method and path; HEAD counts as GET. The server does not start if a route is missing here. */
export const httpAccess: Readonly<Record<string, MethodAccess<RouteRequest>>> = {
  "GET /healthz": { needs: "anyone", cameras: "none" },
  "GET /readyz": { needs: "anyone", cameras: "none" },
  "GET /metrics": { needs: "viewer", cameras: "filtered" },
  // The console's files, which contain nothing of this system's data.
  "GET /assets/*": { needs: "anyone", cameras: "none" },
  "GET /*": { needs: "anyone", cameras: "none" },
  "GET /api/v1/openapi.json": { needs: "anyone", cameras: "none" },
  "GET /api/v1/auth": { needs: "anyone", cameras: "none" },
  "POST /api/v1/auth/login": { needs: "anyone", cameras: "none" },
  "POST /api/v1/auth/logout": { needs: "anyone", cameras: "none" },
  "GET /api/v1/auth/oidc/start": { needs: "anyone", cameras: "none" },
  "GET /api/v1/auth/oidc/callback": { needs: "anyone", cameras: "none" },
  "GET /api/v1/users": { needs: "admin", cameras: "none" },
  "POST /api/v1/users": { needs: "admin", cameras: "none" },
  "PATCH /api/v1/users/:name": { needs: "admin", cameras: "none" },
  "DELETE /api/v1/users/:name": { needs: "admin", cameras: "none" },
  "POST /api/v1/users/:name/password": { needs: "viewer", cameras: "none" },
  "GET /api/v1/tokens": { needs: "viewer", cameras: "none" },
  "POST /api/v1/tokens": { needs: "viewer", cameras: "none" },
  "DELETE /api/v1/tokens/:id": { needs: "viewer", cameras: "none" },
  "GET /api/v1/audit": { needs: "admin", cameras: "none" },
  "GET /api/v1/cameras": { needs: "viewer", cameras: "filtered" },
  "POST /api/v1/cameras": { needs: "operator", cameras: inBody, creates: true },
  "GET /api/v1/cameras/:camera": { needs: "viewer", cameras: inPath },
  "PATCH /api/v1/cameras/:camera": { needs: "operator", cameras: inPath },
  "DELETE /api/v1/cameras/:camera": { needs: "operator", cameras: inPath },
  "DELETE /api/v1/cameras/:camera/data": { needs: "operator", cameras: inPath },
  "POST /api/v1/probe": { needs: "operator", cameras: "none" },
  "GET /api/v1/cameras/:camera/rules": { needs: "viewer", cameras: inPath },
  "PUT /api/v1/cameras/:camera/rules": { needs: "operator", cameras: inPath },
  "GET /api/v1/cameras/:camera/picture": { needs: "viewer", cameras: inPath },
  "GET /api/v1/cameras/:camera/video": { needs: "viewer", cameras: inPath },
  "GET /api/v1/cameras/:camera/series": { needs: "viewer", cameras: inPath },
  "GET /api/v1/cameras/:camera/detections": { needs: "viewer", cameras: inPath },
  "GET /api/v1/cameras/:camera/recording": { needs: "viewer", cameras: inPath },
  "DELETE /api/v1/cameras/:camera/recording": { needs: "operator", cameras: inPath },
  "GET /api/v1/cameras/:camera/recording/spans": { needs: "viewer", cameras: inPath },
  "GET /api/v1/cameras/:camera/recording/playlist.m3u8": { needs: "viewer", cameras: inPath },
  "GET /api/v1/cameras/:camera/recording/segments/:ingest/:segment": { needs: "viewer", cameras: inPath },
  "GET /api/v1/events": { needs: "viewer", cameras: "filtered" },
  "GET /api/v1/events/counts": { needs: "viewer", cameras: "filtered" },
  "POST /api/v1/events/review": { needs: "operator", cameras: "filtered" },
  "GET /api/v1/events/:camera/:event": { needs: "viewer", cameras: inPath },
  "GET /api/v1/events/:camera/:event/snapshot": { needs: "viewer", cameras: inPath },
  "GET /api/v1/events/:camera/:event/clip": { needs: "viewer", cameras: inPath },
  "GET /api/v1/system": { needs: "viewer", cameras: "filtered" },
  "GET /api/v1/models": { needs: "viewer", cameras: "filtered" },
  "POST /api/v1/models/:model/activate": { needs: "admin", cameras: "none" },
  "POST /api/v1/models/:model/rollback": { needs: "admin", cameras: "none" },
  "GET /api/v1/models/:model/versions/:version": { needs: "viewer", cameras: "none" },
  "DELETE /api/v1/models/:model/versions/:version": { needs: "admin", cameras: "none" },
  "GET /api/v1/model-jobs": { needs: "viewer", cameras: "none" },
  "POST /api/v1/model-jobs/import": { needs: "admin", cameras: "none" },
  "POST /api/v1/model-jobs/evaluation": { needs: "admin", cameras: "none" },
  "GET /api/v1/model-jobs/:job": { needs: "viewer", cameras: "none" },
  "PUT /api/v1/model-jobs/:job/files/:file/:piece": { needs: "admin", cameras: "none" },
  "POST /api/v1/model-jobs/:job/start": { needs: "admin", cameras: "none" },
  "POST /api/v1/model-jobs/:job/cancel": { needs: "admin", cameras: "none" },
  "DELETE /api/v1/model-jobs/:job": { needs: "admin", cameras: "none" },
  "GET /api/v1/shadows": { needs: "viewer", cameras: "filtered" },
  "POST /api/v1/shadows": { needs: "admin", cameras: cameraInBody },
  "GET /api/v1/shadows/:shadow": { needs: "viewer", cameras: "filtered" },
  "POST /api/v1/shadows/:shadow/stop": { needs: "admin", cameras: "filtered" },
  "DELETE /api/v1/shadows/:shadow": { needs: "admin", cameras: "filtered" },
  "GET /api/v1/shadows/:shadow/pictures/:frame": { needs: "viewer", cameras: "filtered" },
  "GET /api/v1/live": { needs: "viewer", cameras: "filtered" },
};

/** The access rule of a route; undefined when it has none. */
export function routeAccess(method: string, path: string): MethodAccess<RouteRequest> | undefined {
  return httpAccess[`${method === "HEAD" ? "GET" : method} ${path}`];
}

/** Who may send what on the WebSocket `/api/v1/live`. */
export const socketRequestAccess: Readonly<Record<LiveRequest["type"], { needs: Role }>> = {
  watch: { needs: "viewer" },
  drawn: { needs: "viewer" },
};

/** Who receives which message on it, and how the message relates to cameras. */
export const socketMessageAccess: Readonly<
  Record<LiveMessage["type"] | "picture", { needs: Role; cameras: "none" | "filtered" | "one" }>
> = {
  cameras: { needs: "viewer", cameras: "filtered" },
  camera: { needs: "viewer", cameras: "one" },
  cameraRemoved: { needs: "viewer", cameras: "one" },
  rules: { needs: "viewer", cameras: "one" },
  event: { needs: "viewer", cameras: "one" },
  review: { needs: "viewer", cameras: "one" },
  samples: { needs: "viewer", cameras: "filtered" },
  error: { needs: "viewer", cameras: "none" },
  picture: { needs: "viewer", cameras: "one" },
};
