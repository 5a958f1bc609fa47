import type {
  AccessServiceService,
  CameraServiceService,
  EventServiceService,
  ModelServiceService,
  RecordingServiceService,
  RulesServiceService,
  SubscriptionServiceService,
} from "@sightline/contracts/api";
import type { RouteRequest, RpcName } from "./access-table.ts";
import type { AuditEntry } from "./audit.ts";

/** What the audit trail records about a call. Values that may be secret are never recorded. */
export interface Audited<Request> {
  action: string;
  target?: (request: Request) => string | undefined;
  /** The user that the call tries to log in as. */
  user?: (request: Request) => string | undefined;
  detail?: (request: Request) => string | undefined;
  /** It is called again and again, for example by an open page. */
  frequent?: true;
}

const field = (of: unknown, name: string): string | undefined => {
  const value = (of as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === "string" ? value : undefined;
};
const param =
  (name: string) =>
  ({ params }: RouteRequest) =>
    field(params, name);
const inBody =
  (name: string) =>
  ({ body }: RouteRequest) =>
    field(body, name);
const ofEvent = ({ params }: RouteRequest) => `${field(params, "camera")}/${field(params, "event")}`;
/** The first of several values, and how many more there are. */
const several = ([first, ...more]: readonly string[]) =>
  more.length === 0 ? first : `${first} and ${more.length} more`;
const reviewedEvents = ({ body }: RouteRequest) => {
  const { events } = (body ?? {}) as { events?: unknown };
  if (!Array.isArray(events)) return undefined;
  return several(events.map((each) => `${field(each, "camera")}/${field(each, "id")}`));
};
/** The names of the changed fields, not their values. */
const fields = ({ body }: RouteRequest) =>
  typeof body === "object" && body !== null ? `sets ${Object.keys(body).join(", ")}` : undefined;
const role = ({ body }: RouteRequest) => {
  const given = field(body, "role");
  const cameras = (body as { cameras?: unknown } | null | undefined)?.cameras;
  const parts = [given && `role ${given}`, Array.isArray(cameras) && `cameras ${cameras.join(", ")}`];
  return parts.filter(Boolean).join("; ") || undefined;
};

const evaluatedModels = ({ body }: RouteRequest) => {
  const { models } = (body ?? {}) as { models?: unknown };
  return Array.isArray(models) ? several(models.map((each) => `${field(each, "model")}`)) : undefined;
};

/** Recorded HTTP requests, by method and path. */
export const httpAudit: Readonly<Record<string, Audited<RouteRequest>>> = {
  "POST /api/v1/auth/login": { action: "login", user: inBody("user") },
  "GET /api/v1/auth/oidc/callback": { action: "login" },
  "POST /api/v1/auth/logout": { action: "logout" },
  "POST /api/v1/users": { action: "user.create", target: inBody("name"), detail: role },
  "PATCH /api/v1/users/:name": { action: "user.update", target: param("name"), detail: role },
  "DELETE /api/v1/users/:name": { action: "user.delete", target: param("name") },
  "POST /api/v1/users/:name/password": { action: "user.password", target: param("name") },
  "POST /api/v1/tokens": { action: "token.create", target: inBody("name"), detail: role },
  "DELETE /api/v1/tokens/:id": { action: "token.delete", target: param("id") },
  "POST /api/v1/cameras": { action: "camera.create", target: inBody("id") },
  "PATCH /api/v1/cameras/:camera": { action: "camera.update", target: param("camera"), detail: fields },
  "DELETE /api/v1/cameras/:camera": { action: "camera.delete", target: param("camera") },
  "DELETE /api/v1/cameras/:camera/data": { action: "camera.forget", target: param("camera") },
  "PUT /api/v1/cameras/:camera/rules": { action: "rules.update", target: param("camera") },
  "DELETE /api/v1/cameras/:camera/recording": { action: "recording.delete", target: param("camera") },
  "GET /api/v1/cameras/:camera/recording": {
    action: "recording.download",
    target: param("camera"),
    frequent: true,
  },
  "GET /api/v1/cameras/:camera/recording/playlist.m3u8": {
    action: "recording.play",
    target: param("camera"),
    frequent: true,
  },
  "POST /api/v1/events/review": { action: "event.review", target: reviewedEvents },
  "GET /api/v1/events/:camera/:event/clip": { action: "clip.download", target: ofEvent, frequent: true },
  "GET /api/v1/events/:camera/:event/snapshot": {
    action: "picture.download",
    target: ofEvent,
    frequent: true,
  },
  "POST /api/v1/models/:model/activate": {
    action: "model.activate",
    target: param("model"),
    detail: inBody("version"),
  },
  "POST /api/v1/models/:model/rollback": { action: "model.rollback", target: param("model") },
  "DELETE /api/v1/models/:model/versions/:version": {
    action: "model.delete",
    target: ({ params }) => `${field(params, "model")}/versions/${field(params, "version")}`,
  },
  "POST /api/v1/model-jobs/import": { action: "model.upload", target: inBody("model") },
  "POST /api/v1/model-jobs/evaluation": { action: "model.evaluate", target: evaluatedModels },
  "POST /api/v1/model-jobs/:job/start": { action: "model-job.start", target: param("job") },
  "POST /api/v1/model-jobs/:job/cancel": { action: "model-job.cancel", target: param("job") },
  "DELETE /api/v1/model-jobs/:job": { action: "model-job.delete", target: param("job") },
  "POST /api/v1/shadows": { action: "shadow.create", target: inBody("camera"), detail: inBody("model") },
  "POST /api/v1/shadows/:shadow/stop": { action: "shadow.stop", target: param("shadow") },
  "DELETE /api/v1/shadows/:shadow": { action: "shadow.delete", target: param("shadow") },
  "GET /api/v1/shadows/:shadow/pictures/:frame": {
    action: "picture.download",
    target: param("shadow"),
    frequent: true,
  },
  "GET /api/v1/cameras/:camera/video": { action: "video.watch", target: param("camera"), frequent: true },
  // The tested address may contain a password.
  "POST /api/v1/probe": { action: "camera.probe" },
  "GET /api/v1/cameras/:camera/picture": {
    action: "picture.download",
    target: param("camera"),
    frequent: true,
  },
};

type RequestOf<Method> = Method extends { requestSerialize: (value: infer Request) => Buffer }
  ? Request
  : never;
type ServiceAudit<Service> = {
  readonly [Method in keyof Service]?: Audited<RequestOf<Service[Method]>>;
};

const last = (name: string | undefined) =>
  name?.replace(/^(cameras|users|tokens|subscriptions|shadows|models|modelJobs)\//, "");
const named = ({ name }: { name: string }) => last(name);
const eventIn = (name: string) => last(name)?.replace("/events/", "/") ?? "";
const event = ({ name }: { name: string }) => eventIn(name);
const paths = ({ updateMask }: { updateMask?: string[] | undefined }) =>
  updateMask?.length ? `sets ${updateMask.join(", ")}` : undefined;

/** Recorded gRPC calls, by service and method. */
export const rpcAudit = {
  AccessService: {
    createLoginToken: { action: "login", user: ({ user }) => last(user) },
    createUser: { action: "user.create", target: ({ userId }) => userId },
    updateUser: { action: "user.update", target: ({ user }) => last(user?.name) },
    deleteUser: { action: "user.delete", target: named },
    setPassword: { action: "user.password", target: named },
    createToken: { action: "token.create", target: ({ token }) => token?.displayName },
    deleteToken: { action: "token.delete", target: named },
  } satisfies ServiceAudit<typeof AccessServiceService>,
  CameraService: {
    registerCamera: { action: "camera.create", target: ({ cameraId }) => cameraId },
    updateCamera: { action: "camera.update", target: ({ camera }) => last(camera?.name), detail: paths },
    deleteCamera: { action: "camera.delete", target: named },
    deleteCameraData: { action: "camera.forget", target: named },
    getCameraSnapshot: { action: "picture.download", target: named, frequent: true },
  } satisfies ServiceAudit<typeof CameraServiceService>,
  ModelService: {
    activateModel: { action: "model.activate", target: ({ name }) => name },
    rollbackModel: { action: "model.rollback", target: ({ name }) => name },
    startModelShadow: {
      action: "shadow.create",
      target: ({ camera }) => last(camera),
      detail: ({ model, version }) => (version === "" ? model : `${model}/versions/${version}`),
    },
    stopModelShadow: { action: "shadow.stop", target: named },
    deleteModelShadow: { action: "shadow.delete", target: named },
    getModelShadowPicture: { action: "picture.download", target: named, frequent: true },
    createModelImport: { action: "model.upload", target: ({ model }) => last(model) },
    createModelEvaluation: {
      action: "model.evaluate",
      target: ({ models }) => several(models.map(({ model }) => last(model) ?? "")),
    },
    startModelJob: { action: "model-job.start", target: named },
    cancelModelJob: { action: "model-job.cancel", target: named },
    deleteModelJob: { action: "model-job.delete", target: named },
    deleteModelVersion: { action: "model.delete", target: named },
  } satisfies ServiceAudit<typeof ModelServiceService>,
  EventService: {
    reviewEvents: { action: "event.review", target: ({ names }) => several(names.map(eventIn)) },
    getEventSnapshot: { action: "picture.download", target: event, frequent: true },
  } satisfies ServiceAudit<typeof EventServiceService>,
  RecordingService: {
    downloadRecording: { action: "recording.download", target: named, frequent: true },
    downloadEventClip: { action: "clip.download", target: event, frequent: true },
    deleteRecording: { action: "recording.delete", target: named },
  } satisfies ServiceAudit<typeof RecordingServiceService>,
  RulesService: {
    updateCameraRules: {
      action: "rules.update",
      target: ({ rules }) => last(rules?.name)?.replace(/\/rules$/, ""),
    },
  } satisfies ServiceAudit<typeof RulesServiceService>,
  SubscriptionService: {
    createSubscription: { action: "subscription.create", target: ({ subscriptionId }) => subscriptionId },
    deleteSubscription: { action: "subscription.delete", target: named },
    deleteDeadLetter: { action: "dead-letter.delete", target: named },
  } satisfies ServiceAudit<typeof SubscriptionServiceService>,
} as const;

const auditByName = new Map<string, Audited<never>>(
  Object.values(rpcAudit).flatMap((methods) =>
    Object.entries(methods).map(([method, audited]): [string, Audited<never>] => [
      method.charAt(0).toUpperCase() + method.slice(1),
      audited,
    ]),
  ),
);

/** The audit entry of a method, by its name; undefined when it is not recorded. */
export function auditOfRpc(method: RpcName): Audited<never> | undefined {
  return auditByName.get(method);
}

/** What is recorded from a request, over gRPC or HTTP. */
export function describeCall<Request>(
  { action, target, detail, frequent }: Audited<Request>,
  request: Request,
): Pick<AuditEntry, "action" | "target" | "detail" | "frequent"> {
  return { action, target: target?.(request), detail: detail?.(request), frequent: frequent ?? false };
}
