import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { type ErrorCode, isPassing, SightlineError } from "./errors.ts";

test("a gRPC error keeps its code, its own words and the server's reason", () => {
  const metadata = new Metadata();
  metadata.set("sightline-error", "camera_exists");
  const cause: ServiceError = Object.assign(new Error("6 ALREADY_EXISTS: taken"), {
    code: status.ALREADY_EXISTS,
    details: "taken",
    metadata,
  });
  const error = SightlineError.from(cause);
  expect(error).toMatchObject({ code: "ALREADY_EXISTS", message: "taken", reason: "camera_exists", cause });
  expect(SightlineError.from(error)).toBe(error);
});

test("what did not come from gRPC is UNKNOWN, with its cause", () => {
  const cause = new Error("boom");
  expect(SightlineError.from(cause)).toMatchObject({ code: "UNKNOWN", message: "boom", cause });
  expect(SightlineError.from("boom")).toMatchObject({ code: "UNKNOWN", message: "boom" });
});

test.each<[ErrorCode, string | undefined, "passing" | "passing once connected" | "lasting"]>([
  ["UNAVAILABLE", undefined, "passing"],
  ["UNAVAILABLE", "stopping", "passing"],
  ["UNAVAILABLE", "history_unavailable", "passing"],
  ["INTERNAL", undefined, "passing"],
  ["CANCELLED", undefined, "passing"],
  ["RESOURCE_EXHAUSTED", "too_many_subscribers", "passing once connected"],
  ["INTERNAL", "internal", "lasting"],
  ["RESOURCE_EXHAUSTED", undefined, "lasting"],
  ["INVALID_ARGUMENT", "cursor_foreign", "lasting"],
  ["NOT_FOUND", "subscription_not_found", "lasting"],
  ["UNIMPLEMENTED", undefined, "lasting"],
])("%s with reason %s is %s", (code, reason, expected) => {
  const error = new SightlineError(code, "", { reason });
  expect(isPassing(error, false)).toBe(expected === "passing");
  expect(isPassing(error, true)).toBe(expected !== "lasting");
});
