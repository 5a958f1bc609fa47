import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { expect, test } from "vitest";
import { apiErrorCodes, kindOf } from "../errors.ts";
import { httpStatus } from "./http-errors.ts";

test("every error but a fault of the server has a status that says whose it is", () => {
  for (const code of apiErrorCodes)
    if (code === "internal") expect(httpStatus(code)).toBe(500);
    else expect([400, 401, 403, 404, 409, 412, 413, 415, 429, 503], code).toContain(httpStatus(code));
});

test("the pages about the APIs name every code, with its status", () => {
  const rowsOf = (page: string, code: string) =>
    readFileSync(join(projectRoot, "docs", page), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("|") && line.includes(`\`${code}\``));
  for (const code of apiErrorCodes) {
    const [grpc, http] = [rowsOf("api.md", code), rowsOf("http-api.md", code)];
    expect(grpc.length + http.length, code).toBeGreaterThan(0);
    for (const row of [...grpc, ...http]) expect(row).toContain(`| ${kindOf(code)} `);
    for (const row of http) expect(row).toContain(`| ${httpStatus(code)} |`);
  }
});
