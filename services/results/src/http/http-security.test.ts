import { once } from "node:events";
import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { RunningResults } from "../testing/running-results.ts";

let results: RunningResults;
beforeAll(async () => {
  results = await RunningResults.start({
    SIGHTLINE_HTTP_HOSTS: "sightline.lan, other.lan",
    SIGHTLINE_CONSOLE_DIR: "/nonexistent/console",
  });
});
afterAll(() => results.stop());

/** fetch does not let a Host header be set. */
async function ask(method: string, path: string, headers: Record<string, string>, body = "") {
  const sent = request(`http://${results.addresses.http}${path}`, { method, headers });
  sent.end(body);
  const [answer] = await once(sent, "response");
  const text = (await Array.fromAsync(answer)).join("");
  return { status: answer.statusCode as number, headers: answer.headers as Record<string, string>, text };
}

const paths = ["/", "/assets/x.js", "/api/v1/cameras", "/api/v1/nothing", "/api/v1/openapi.json"];

test("every answer of API and console has the policy of a page that loads nothing from elsewhere", async () => {
  for (const path of paths) {
    const { headers } = await ask("GET", path, {});
    const policy = headers["content-security-policy"] ?? "";
    expect(policy, path).toContain("default-src 'none'");
    expect(policy, path).toContain("frame-ancestors 'none'");
    expect(policy, path).not.toMatch(/unsafe|\*|https?:/);
    expect(headers, path).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
    });
    expect(headers["access-control-allow-origin"], path).toBeUndefined();
  }
});

test("a name that is not this server's is refused everywhere but where Prometheus and probes ask", async () => {
  for (const path of paths) {
    const refused = await ask("GET", path, { host: "evil.example:9100" });
    expect(refused, path).toMatchObject({ status: 403 });
    expect(JSON.parse(refused.text), path).toMatchObject({ code: "host_refused" });
    expect((await ask("GET", path, { host: "other.lan" })).status, path).not.toBe(403);
  }
  for (const path of ["/metrics", "/healthz", "/readyz"])
    expect((await ask("GET", path, { host: "results:9100" })).status, path).toBe(200);
});

test("a page of another server can neither write nor open the live WebSocket", async () => {
  const body = JSON.stringify({ id: "front", uri: "rtsp://cam/x" });
  const json = { "content-type": "application/json" };
  const foreign = await ask("POST", "/api/v1/cameras", { ...json, origin: "http://evil.example" }, body);
  expect(foreign).toMatchObject({ status: 403 });
  expect(JSON.parse(foreign.text)).toMatchObject({ code: "origin_refused" });
  const own = { ...json, host: "sightline.lan", origin: "https://sightline.lan" };
  expect(await ask("POST", "/api/v1/cameras", own, body)).toMatchObject({ status: 201 });

  const open = async (headers: Record<string, string>) => {
    const socket = new WebSocket(`ws://${results.addresses.http}/api/v1/live`, { headers });
    const outcome = await Promise.race([
      once(socket, "open").then(() => 101),
      once(socket, "unexpected-response").then(([, answer]) => answer.statusCode as number),
    ]);
    socket.terminate();
    return outcome;
  };
  expect(await open({ origin: "http://evil.example" })).toBe(403);
  expect(await open({ host: "evil.example" })).toBe(403);
  expect(await open({ origin: `http://${results.addresses.http}` })).toBe(101);
  expect(await open({})).toBe(101);
});

test("without a built console the page says how to build it", async () => {
  const page = await ask("GET", "/", {});
  expect(page.status).toBe(503);
  expect(page.headers["content-type"]).toContain("text/html");
  expect(page.text).toContain("--filter @sightline/console build");
});
