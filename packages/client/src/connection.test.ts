import { expect, test } from "vitest";
import { connect } from "./index.ts";

test("of several addresses all say https:// or none does: a token is not sent in plain text to one of them", () => {
  const token = "secret";
  expect(() => connect("https://a:50051,b:50051", { token })).toThrow(RangeError);
  expect(() => connect("https://a:50051,b:50051", { token })).toThrow("write https:// before each");
  for (const addresses of ["https://a:50051, https://b:50051", "a:50051,b:50051"])
    connect(addresses, { token }).close();
});
