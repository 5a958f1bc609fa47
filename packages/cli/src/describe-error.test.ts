import { SightlineError } from "@sightline/client";
import { expect, test } from "vitest";
import { describeError } from "./describe-error.ts";

test("a server that is not there: the address, and how to start one", () => {
  const text = describeError(new SightlineError("UNAVAILABLE", "connect ECONNREFUSED"), "127.0.0.1:50051");
  expect(text).toContain("127.0.0.1:50051");
  expect(text).toContain("./sightline up");
});

test("a server that answers UNAVAILABLE gives its own reason", () => {
  const error = new SightlineError("UNAVAILABLE", "the registry does not answer", {
    reason: "registry_unavailable",
  });
  expect(describeError(error, "127.0.0.1:50051")).toBe("the registry does not answer");
});

test("what a signal aborted names the signal", () => {
  const cause = new Error("stopped by SIGTERM");
  const aborted = Object.assign(new Error("The operation was aborted", { cause }), { name: "AbortError" });
  expect(describeError(aborted, undefined)).toBe("stopped by SIGTERM");
});

test("a cursor of another system: what to do, by the command's options", () => {
  const error = new SightlineError("INVALID_ARGUMENT", "the cursor is of another system; start with newest", {
    reason: "cursor_foreign",
  });
  expect(describeError(error, undefined)).toBe(
    "--cursor: the cursor is of another system; begin again without it, or with --from TIME",
  );
});
