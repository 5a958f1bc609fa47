import { Client, credentials, Metadata, type MethodDefinition, type ServiceError } from "@grpc/grpc-js";
import { connect } from "@sightline/client";
import {
  cameraName,
  Event,
  EventPhase,
  EventType,
  encodeJson,
  type RoleName,
  roles,
  subjects,
  toTimestamp,
} from "@sightline/contracts";
import * as api from "@sightline/contracts/api";
import {
  AccessServiceService,
  AuditServiceService,
  CameraServiceService,
  DetectionServiceService,
  EventServiceService,
  ModelServiceService,
  RecordingServiceService,
  Role,
  RulesServiceService,
  SubscriptionKind,
  SubscriptionServiceService,
} from "@sightline/contracts/api";
import { sampleCamera } from "@sightline/service/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { RunningResults } from "../testing/running-results.ts";
import { sampleFrame } from "../testing/sample-frames.ts";
import { httpAccess, type MethodAccess, type RouteRequest, type RpcName, rpcAccess } from "./access-table.ts";

/** A camera that viewer and operator see, and one that they do not; `admin` sees both. */
const own = "own-1";
const other = "hidden-7";
const password = "correct horse";
const event = (camera: string) => `${cameraName(camera)}/events/e1`;

let results: RunningResults;
let grpc: Client;
const tokens = new Map<RoleName | "nobody", string | undefined>([["nobody", undefined]]);
const callers = ["nobody", ...roles] as const;
type CallerName = (typeof callers)[number];

beforeAll(async () => {
  results = await RunningResults.start();
  const { access, subscriptions } = results.client;
  for (const camera of [other, own]) {
    await results.publish(sampleFrame({ camera, number: 1 }));
    const happened = Event.fromPartial({
      name: event(camera),
      type: EventType.APPEARED,
      phase: EventPhase.ONCE,
      revision: 1,
      startTime: toTimestamp(Date.now()),
    });
    await results.nats.jetstream.publish(subjects.event(camera, "e1"), Event.encode(happened).finish());
    await vi.waitFor(async () => expect(await results.newestFrame(camera)).toBe(1), 30_000);
    await subscriptions.create(`sub-${camera}`, {
      kind: "events",
      filter: { cameras: [camera] },
      start: "beginning",
    });
  }
  // The first closes the door: what follows needs its token.
  await access.createUser("root", { role: "admin", password });
  const client = connect(results.addresses.grpc, {
    token: (await access.logIn("root", password)).secret,
  });
  for (const role of roles) {
    const cameras = role === "admin" ? ["*"] : ["own-*", "missing"];
    await client.access.createUser(role, { role, cameras, password });
    const asRole = connect(results.addresses.grpc);
    tokens.set(role, (await asRole.access.logIn(role, password)).secret);
    asRole.close();
  }
  client.close();
  grpc = new Client(results.addresses.grpc, credentials.createInsecure());
});
afterAll(async () => {
  grpc?.close();
  await results.stop();
});

/** Puts back what a call may have removed. */
async function restore(): Promise<void> {
  for (const camera of [own, other])
    if (!(await results.buckets.cameras.get(camera))?.length)
      await results.buckets.cameras.put(camera, encodeJson(sampleCamera()));
}

type Outcome = { reason: string; text: string };

/** What a request is made of: the camera that it is about, and who makes it. */
type Request = (camera: string, caller: CallerName) => object;
const name: Request = (camera) => ({ name: cameraName(camera) });
const subscription: Request = (camera) => ({ name: `subscriptions/sub-${camera}` });
const span = { startTime: toTimestamp(1_000), endTime: toTimestamp(2_000) };

/** A request of each method. One that is missing is an error of the types. */
const requests: Record<RpcName, Request> = {
  RegisterCamera: (camera) => ({ cameraId: camera, camera: { uri: "rtsp://cam/x" } }),
  GetCamera: name,
  ListCameras: () => ({}),
  UpdateCamera: (camera) => ({
    camera: { name: cameraName(camera), targetFps: 3 },
    updateMask: ["target_fps"],
  }),
  DeleteCamera: name,
  DeleteCameraData: (camera) => ({ name: cameraName(camera), ...span }),
  GetCameraSnapshot: name,
  WatchCameras: () => ({}),
  SubscribeDetections: () => ({
    start: { position: { $case: "beginning", value: true } },
    includeEmpty: true,
  }),
  ListDetections: (camera) => ({ cameras: camera === other ? [cameraName(camera)] : [], includeEmpty: true }),
  SubscribeEvents: () => ({ start: { position: { $case: "beginning", value: true } } }),
  ListEvents: (camera) => ({ filter: { cameras: camera === other ? [cameraName(camera)] : [] } }),
  GetEvent: (camera) => ({ name: event(camera) }),
  CountEvents: (camera) => ({
    startTime: toTimestamp(1_000),
    by: [api.CountBy.CAMERA],
    filter: { cameras: camera === other ? [cameraName(camera)] : [] },
  }),
  ReviewEvents: (camera) => ({ names: [event(camera)], reviewed: true }),
  GetEventSnapshot: (camera) => ({ name: event(camera) }),
  ListRecordingSpans: name,
  DownloadRecording: (camera) => ({ name: cameraName(camera), ...span }),
  DownloadEventClip: (camera) => ({ name: event(camera) }),
  DeleteRecording: (camera) => ({ name: cameraName(camera), ...span }),
  GetCameraRules: (camera) => ({ name: `${cameraName(camera)}/rules` }),
  UpdateCameraRules: (camera) => ({ rules: { name: `${cameraName(camera)}/rules` } }),
  CreateSubscription: (camera) => ({
    subscriptionId: `new-${camera}`,
    subscription: { kind: SubscriptionKind.EVENTS, filter: { cameras: [cameraName(camera)] } },
  }),
  GetSubscription: subscription,
  ListSubscriptions: () => ({}),
  DeleteSubscription: (camera) => ({ name: `subscriptions/new-${camera}` }),
  Consume: subscription,
  Acknowledge: subscription,
  Reject: subscription,
  ListDeadLetters: (camera) => ({ parent: `subscriptions/sub-${camera}` }),
  DeleteDeadLetter: (camera) => ({ name: `subscriptions/sub-${camera}/deadLetters/1` }),
  WhoAmI: () => ({}),
  CreateLoginToken: () => ({ user: "nobody-there", password }),
  CreateUser: () => ({ userId: "Not A Name", user: { role: Role.VIEWER } }),
  ListUsers: () => ({}),
  UpdateUser: () => ({ user: { name: "users/nobody-there", role: Role.VIEWER }, updateMask: ["role"] }),
  DeleteUser: () => ({ name: "users/nobody-there" }),
  SetPassword: (_, caller) => ({ name: `users/${caller}`, password: "short" }),
  CreateToken: () => ({ token: { displayName: "" } }),
  ListTokens: () => ({}),
  DeleteToken: () => ({ name: "tokens/aaaaaaaaaaaa" }),
  ListModels: () => ({}),
  ListModelVersions: () => ({ parent: "models/none" }),
  ActivateModel: () => ({ name: "models/none/versions/1" }),
  RollbackModel: () => ({ name: "models/none" }),
  StartModelShadow: (camera) => ({ camera: cameraName(camera), model: "models/none" }),
  ListModelShadows: () => ({}),
  GetModelShadow: () => ({ name: "shadows/none" }),
  StopModelShadow: () => ({ name: "shadows/none" }),
  DeleteModelShadow: () => ({ name: "shadows/none" }),
  GetModelShadowPicture: () => ({ name: "shadows/none", frame: "e1-1" }),
  InspectModelVersion: () => ({ name: "models/none/versions/1" }),
  CreateModelImport: () => ({ model: "models/none", file: { name: "export", sizeBytes: 1 } }),
  CreateModelEvaluation: () => ({ models: [{ model: "models/none" }] }),
  UploadModelJobPiece: () => ({ name: "modelJobs/none", file: "export" }),
  StartModelJob: () => ({ name: "modelJobs/none" }),
  ListModelJobs: () => ({}),
  GetModelJob: () => ({ name: "modelJobs/none" }),
  CancelModelJob: () => ({ name: "modelJobs/none" }),
  DeleteModelJob: () => ({ name: "modelJobs/none" }),
  DeleteModelVersion: () => ({ name: "models/none/versions/1" }),
  ListAuditRecords: () => ({}),
};

const services = [
  CameraServiceService,
  DetectionServiceService,
  EventServiceService,
  RecordingServiceService,
  RulesServiceService,
  SubscriptionServiceService,
  AccessServiceService,
  ModelServiceService,
  AuditServiceService,
];
// biome-ignore lint/suspicious/noExplicitAny: methods of every type
const methods = services.flatMap((service) => Object.values(service) as MethodDefinition<any, any>[]);
const entries = Object.values(rpcAccess).flatMap((service) =>
  Object.entries(service).map(([method, access]) => ({
    method: (method.charAt(0).toUpperCase() + method.slice(1)) as RpcName,
    access: access as MethodAccess<never>,
  })),
);

/** A request with every field, of what is given of it. */
function complete(method: RpcName, request: object): object {
  // biome-ignore lint/performance/noDynamicNamespaceImportAccess: the type of each request, by its name
  const type = api[`${method}Request` as keyof typeof api] as {
    fromPartial(part: object): object;
  };
  return type.fromPartial(request);
}

/** What a call comes to; of a stream, what it sends until what it is about comes. */
async function call(method: RpcName, caller: CallerName, request: object): Promise<Outcome> {
  const { path, requestSerialize, responseDeserialize, responseStream } = methods.find(
    (each) => each.path.split("/").at(-1) === method,
  )!;
  const metadata = new Metadata();
  const token = tokens.get(caller);
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const message = complete(method, request);
  const reasonOf = (error: { metadata?: Metadata; code?: number; details?: string }) =>
    error.metadata?.get("sightline-error")[0]?.toString() ?? `status ${error.code}`;
  return new Promise((resolve) => {
    if (!responseStream) {
      grpc.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        metadata,
        {},
        (error, answer) =>
          resolve(
            error
              ? { reason: reasonOf(error), text: error.details }
              : { reason: "ok", text: JSON.stringify(answer) },
          ),
      );
      return;
    }
    const stream = grpc.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      metadata,
      {},
    );
    let text = "";
    const end = (outcome: Outcome) => {
      clearTimeout(quiet);
      stream.cancel();
      resolve(outcome);
    };
    // A stream that has nothing to send would not end: what it is about was published last, and is sent at once.
    const quiet = setTimeout(() => end({ reason: "ok", text }), 5_000);
    stream.on("data", (answer) => {
      text += JSON.stringify(answer);
      if (text.includes(own) || (caller === "admin" && text.includes(other))) end({ reason: "ok", text });
    });
    stream.on("error", (error: Partial<ServiceError>) =>
      end({ reason: reasonOf(error), text: error.message ?? "" }),
    );
    stream.on("end", () => end({ reason: "ok", text }));
  });
}

/** What the table says that comes of it; undefined: it is let in. */
function refusal(
  access: MethodAccess<never>,
  caller: CallerName,
  camera: string,
  request: object,
): string | undefined {
  if (access.needs === "anyone") return undefined;
  if (caller === "nobody") return "unauthenticated";
  if (roles.indexOf(caller) < roles.indexOf(access.needs)) return "permission_denied";
  if (typeof access.cameras !== "function" || caller === "admin" || camera === own) return undefined;
  return access.cameras(request as never) === undefined
    ? undefined
    : access.creates
      ? "permission_denied"
      : "camera_not_found";
}

const refusals = ["unauthenticated", "permission_denied", "camera_not_found"];

describe("over gRPC", () => {
  test.each(entries)("$method", async ({ method, access }) => {
    for (const caller of callers)
      for (const camera of [other, own]) {
        const request = requests[method](camera, caller);
        const { reason, text } = await call(method, caller, request);
        const at = `${method} by ${caller} of ${camera}: ${text}`;
        const expected = refusal(access, caller, camera, complete(method, request));
        if (expected !== undefined) expect(reason, at).toBe(expected);
        // What is filtered by names of cameras may be refused by its handler, in words of its own.
        else if (access.cameras !== "filtered") expect(refusals, at).not.toContain(reason);
        if (reason === "ok" && caller !== "admin") expect(text, at).not.toContain(other);
        if (expected === "camera_not_found") {
          // As if there were none: a name that nothing has gets the same answer.
          const none = await call(method, caller, requests[method]("hidden-8", caller));
          expect({ ...none, text: none.text.replaceAll("hidden-8", other) }, at).toEqual({ reason, text });
        }
        await restore();
      }
  });
});

const bodies: Partial<Record<string, (camera: string, caller: CallerName) => unknown>> = {
  "POST /api/v1/cameras": (camera) => ({ id: camera, uri: "rtsp://cam/x" }),
  "PATCH /api/v1/cameras/:camera": () => ({ targetFps: 2 }),
  "PUT /api/v1/cameras/:camera/rules": () => ({ zones: [], lines: [], masks: [], rules: [] }),
  "POST /api/v1/events/review": (camera) => ({ events: [{ camera, id: "e1" }] }),
  "POST /api/v1/models/:model/activate": () => ({ version: "1" }),
  "POST /api/v1/shadows": (camera) => ({ camera, model: "none" }),
  "POST /api/v1/model-jobs/import": () => ({
    ...{ model: "none", isNew: false, file: { fileName: "x.onnx", bytes: 1 } },
  }),
  "POST /api/v1/model-jobs/evaluation": () => ({
    models: [{ model: "none" }],
    clip: { fileName: "c.mp4", bytes: 1 },
    labels: { fileName: "l.json", bytes: 1 },
  }),
  "POST /api/v1/probe": () => ({ uri: "no-address" }),
  "POST /api/v1/users": () => ({ name: "Not A Name", role: "viewer" }),
  "PATCH /api/v1/users/:name": () => ({ role: "viewer" }),
  "POST /api/v1/users/:name/password": () => ({ password: "short" }),
  "POST /api/v1/tokens": () => ({ name: "" }),
  "POST /api/v1/auth/login": () => ({ user: "nobody-there", password }),
};

async function ask(route: string, camera: string, caller: CallerName): Promise<Outcome> {
  const [method = "", pattern = ""] = route.split(" ");
  const path = pattern
    .replace(":camera", camera)
    .replace(":event", "e1")
    .replace(":ingest", "none")
    .replace(":segment", "none.ts")
    .replace(":name", caller === "admin" ? "nobody-there" : caller)
    .replace(":id", "aaaaaaaaaaaa")
    .replace(/:(model|shadow|frame|job|version|file)/g, "none")
    .replace(":piece", "0")
    .replace("*", "x.js");
  const recording = /\/recording$|\/data$|playlist|counts/.test(pattern)
    ? "?from=1970-01-01T00:00:01Z&to=1970-01-01T00:00:02Z"
    : "";
  const body = bodies[route]?.(camera, caller);
  const token = tokens.get(caller);
  const answer = await fetch(`http://${results.addresses.http}${path}${recording}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const reason = answer.ok ? "ok" : ((JSON.parse(text) as { code?: string }).code ?? "");
  return { reason, text };
}

describe("over HTTP", () => {
  const routes = Object.entries(httpAccess).filter(([route]) => !/live$|video$|readyz$/.test(route));
  test.each(routes)("%s", async (route, access) => {
    for (const caller of callers)
      for (const camera of [other, own]) {
        const { reason, text } = await ask(route, camera, caller);
        const at = `${route} by ${caller} of ${camera}: ${text.slice(0, 300)}`;
        const asked: RouteRequest = {
          params: { camera: route.includes(":camera") ? camera : undefined },
          body: bodies[route]?.(camera, caller),
        };
        const expected = refusal(access as MethodAccess<never>, caller, camera, asked);
        if (expected !== undefined) expect(reason, at).toBe(expected);
        else expect(refusals, at).not.toContain(reason);
        if (reason === "ok" && caller !== "admin") expect(text, at).not.toContain(other);
        if (expected === "camera_not_found") {
          const none = await ask(route, "hidden-8", caller);
          expect(none.text.replaceAll("hidden-8", other), at).toBe(text);
        }
        await restore();
      }
  });

  test("metrics of an admin do have the camera that others are not told of", async () => {
    expect((await ask("GET /metrics", own, "admin")).text).toContain(`camera="${other}"`);
    expect((await ask("GET /metrics", own, "viewer")).text).toContain(`camera="${own}"`);
  });
});

describe("over the live WebSocket", () => {
  async function open(caller: CallerName, path = "/api/v1/live") {
    const token = tokens.get(caller);
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(`ws://${results.addresses.http}${path}`, { headers });
    const messages: string[] = [];
    let status = 101;
    socket.on("message", (data, isBinary) => {
      messages.push(isBinary ? "picture" : String(data));
    });
    socket.on("error", () => undefined);
    socket.on("unexpected-response", (_request, answer) => {
      status = answer.statusCode ?? 0;
    });
    return { socket, messages, status: () => status };
  }

  test("video of a camera that is not seen is not found, and nobody's is given to nobody", async () => {
    for (const [caller, camera, refused] of [
      ["nobody", own, 401],
      ["viewer", other, 404],
    ] as const) {
      const { socket, status } = await open(caller, `/api/v1/cameras/${camera}/video`);
      await expect.poll(status).toBe(refused);
      socket.terminate();
    }
  });

  test.each(callers)("%s", async (caller) => {
    const { socket, messages, status } = await open(caller);
    if (caller === "nobody") await expect.poll(status).toBe(401);
    else {
      await expect.poll(() => messages.some((message) => message.includes('"samples"'))).toBe(true);
      socket.send(JSON.stringify({ type: "watch", cameras: [{ id: other, width: 64, maxFps: 5 }] }));
      await results.buckets.cameras.put(other, encodeJson({ ...sampleCamera(), targetFps: 9 }));
      await results.buckets.cameras.put(
        own,
        encodeJson({ ...sampleCamera(), targetFps: Math.random() * 9 + 1 }),
      );
      await expect
        .poll(() => messages.some((message) => message.includes('"type":"camera"') && message.includes(own)))
        .toBe(true);
      expect(messages.join()).toContain(own);
      if (caller === "admin") expect(messages.join()).toContain(other);
      else expect(messages.join()).not.toContain(other);
    }
    socket.terminate();
  });
});
