import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import {
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
import { afterAll, beforeAll, expect, test } from "vitest";
import { RunningResults } from "../testing/running-results.ts";

let running: RunningResults;
let client: Client;
beforeAll(async () => {
  running = await RunningResults.start();
  client = new Client(running.addresses.grpc, credentials.createInsecure());
});
afterAll(async () => {
  client?.close();
  await running?.stop();
});

const methods = [
  AccessServiceService,
  AuditServiceService,
  CameraServiceService,
  DetectionServiceService,
  EventServiceService,
  ModelServiceService,
  RecordingServiceService,
  RulesServiceService,
  SubscriptionServiceService,
].flatMap((service) =>
  Object.values(service).map(({ path, responseStream }): [string, boolean] => [path, responseStream]),
);

/** Sends these bytes as the request; resolves to how the call ended. */
function call(path: string, responseStream: boolean, bytes: Buffer): Promise<ServiceError | undefined> {
  const asIs = (message: Buffer) => message;
  const deadline = { deadline: Date.now() + 20_000 };
  return new Promise((resolve) => {
    if (!responseStream)
      return client.makeUnaryRequest(path, asIs, asIs, bytes, deadline, (error) =>
        resolve(error ?? undefined),
      );
    const stream = client.makeServerStreamRequest(path, asIs, asIs, bytes, deadline);
    stream.on("error", (error: ServiceError) => resolve(error));
    stream.on("data", () => undefined).on("end", () => resolve(undefined));
  });
}

const invalid = (error: ServiceError | undefined) => ({
  code: error && status[error.code],
  reason: error?.metadata.get("sightline-error"),
});
const refused = { code: "INVALID_ARGUMENT", reason: ["invalid_argument"] };

test.each(methods)("%s refuses bytes that are no message", async (path, responseStream) => {
  // A field of 100 bytes of which one is there; a varint without an end.
  for (const hex of ["0a6401", `08${"ff".repeat(11)}`])
    expect(invalid(await call(path, responseStream, Buffer.from(hex, "hex")))).toEqual(refused);
});

test.each([
  ["/grpc.health.v1.Health/Check", false],
  ["/grpc.health.v1.Health/Watch", true],
  ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true],
  ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", true],
])("%s, which is a library's, refuses them too", async (path, responseStream) => {
  const error = await call(path, responseStream, Buffer.from("0affff", "hex"));
  expect(error && status[error.code]).toBe("INVALID_ARGUMENT");
});

const field = (number: number, message: Buffer) =>
  Buffer.concat([Buffer.from([(number << 3) | 2, message.byteLength]), message]);
const time = (seconds: bigint) => {
  const bytes = [0x08];
  for (let rest = BigInt.asUintN(64, seconds); ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    if (rest <= 0x7fn) return Buffer.from(bytes);
  }
};
/** Each field that takes a time: its method, and the path of field numbers to it. */
const times: [path: string, responseStream: boolean, fields: number[]][] = [
  ["/sightline.v1.DetectionService/SubscribeDetections", true, [5, 3]],
  ["/sightline.v1.DetectionService/ListDetections", false, [5]],
  ["/sightline.v1.DetectionService/ListDetections", false, [6]],
  ["/sightline.v1.EventService/SubscribeEvents", true, [2, 3]],
  ["/sightline.v1.EventService/ListEvents", false, [2]],
  ["/sightline.v1.EventService/ListEvents", false, [3]],
];

test.each(times)(
  "%s takes no time that cannot be one (stream: %s, field %j)",
  async (path, stream, fields) => {
    for (const seconds of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n - 1n, 300_000_000_000n, -1n]) {
      const request = fields.reduceRight((message, number) => field(number, message), time(seconds));
      expect(invalid(await call(path, stream, request)), String(seconds)).toEqual(refused);
    }
  },
);
