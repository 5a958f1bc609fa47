import { expect, test } from "vitest";
import { apiErrorCodes } from "../grpc/errors.ts";
import { httpStatus } from "./http-errors.ts";

test("every error but a fault of the server has a status that says whose it is", () => {
  for (const code of apiErrorCodes)
    if (code === "internal") expect(httpStatus(code)).toBe(500);
    else expect([400, 401, 403, 404, 409, 412, 413, 415, 429, 503], code).toContain(httpStatus(code));
});
