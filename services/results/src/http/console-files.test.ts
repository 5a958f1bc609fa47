import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { splitAddress } from "@sightline/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RunningResults } from "../testing/running-results.ts";
import { buildCommand } from "./console-files.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-console-"));
const page = "<!doctype html><title>Sightline</title>";
const script = `console.log("${"x".repeat(1000)}");`;

let results: RunningResults;
beforeAll(async () => {
  mkdirSync(join(directory, "assets"));
  writeFileSync(join(directory, "index.html"), page);
  writeFileSync(join(directory, "icon.svg"), "<svg/>");
  writeFileSync(join(directory, "assets/app-1a2b.js"), script);
  writeFileSync(join(directory, "assets/app-1a2b.js.br"), brotliCompressSync(script));
  writeFileSync(join(directory, ".secret.txt"), "secret");
  writeFileSync(join(directory, "assets/.secret.js"), "secret");
  results = await RunningResults.start({ SIGHTLINE_CONSOLE_DIR: directory });
});
afterAll(async () => {
  await results.stop();
  rmSync(directory, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`http://${results.addresses.http}${path}`, { headers });

/** As a client that, unlike fetch, sends a path as it is and asks no cache to be passed over. */
async function ask(path: string, headers: Record<string, string> = {}) {
  const { host, port } = splitAddress(results.addresses.http);
  const [answer] = await once(request({ host, port, path, headers }).end(), "response");
  const text = (await Array.fromAsync(answer)).join("");
  return { status: answer.statusCode as number, cacheControl: answer.headers["cache-control"], text };
}

test("the console's own paths are all its page, asked for anew each time", async () => {
  for (const path of ["/", "/cameras/front", "/system", "/events?camera=front"]) {
    const answer = await get(path);
    expect(answer.status, path).toBe(200);
    expect(await answer.text(), path).toBe(page);
    expect(answer.headers.get("content-type"), path).toContain("text/html");
    expect(answer.headers.get("cache-control"), path).toBe("no-cache");
    const etag = answer.headers.get("etag") ?? "";
    expect((await ask(path, { "if-none-match": etag })).status, path).toBe(304);
  }
  expect((await get("/icon.svg")).headers.get("content-type")).toBe("image/svg+xml");
});

test("hashed files are kept for ever, and sent as they were compressed when built", async () => {
  const plain = await get("/assets/app-1a2b.js", { "accept-encoding": "identity" });
  expect(await plain.text()).toBe(script);
  expect(plain.headers.get("content-encoding")).toBeNull();
  const compressed = await get("/assets/app-1a2b.js", { "accept-encoding": "gzip, br" });
  expect(compressed.headers.get("content-encoding")).toBe("br");
  expect(await compressed.text()).toBe(script);
  for (const answer of [plain, compressed]) {
    expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(answer.headers.get("content-type")).toMatch(/javascript/);
    expect(answer.headers.get("vary")).toMatch(/accept-encoding/i);
  }
});

test("what is not there is not found, and nothing outside the directory or hidden in it is", async () => {
  const paths = [
    "/assets/gone-3c4d.js",
    "/gone.svg",
    "/api/v2/cameras",
    "/.secret.txt",
    "/assets/.secret.js",
    "/assets/..%2f..%2f..%2fetc%2fpasswd",
    "/..%2f..%2fetc%2fpasswd.txt",
    "/assets/%2e%2e/index.html",
  ];
  for (const path of paths) {
    const answer = await ask(path);
    expect(answer.status, path).toBe(404);
    expect(JSON.parse(answer.text), path).toMatchObject({ code: "route_not_found" });
    expect(answer.cacheControl, path).toBe("no-store");
  }
});

test("what builds the console is what the launcher runs", () => {
  const launcher = readFileSync(new URL("../../../../sightline", import.meta.url), "utf8");
  const version = /^pnpm_version=(\S+)$/m.exec(launcher)?.[1];
  const written = buildCommand.replace(`pnpm@${version}`, '"pnpm@$pnpm_version"');
  expect(launcher).toContain(written);
});
