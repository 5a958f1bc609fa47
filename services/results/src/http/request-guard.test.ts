import { expect, test } from "vitest";
import { RequestGuard } from "./request-guard.ts";

const guard = new RequestGuard(["sightline.lan"]);
const outcome = (method: string, headers: Record<string, string>) => {
  try {
    guard.check({ method, headers });
    return "passes";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test("a server is known by its addresses, localhost, and the names it was given", () => {
  for (const host of [
    "127.0.0.1:9100",
    "10.1.2.3",
    "[::1]:9100",
    "localhost:9100",
    "console.localhost",
    "Sightline.LAN:80",
    "sightline.lan.",
  ])
    expect(outcome("GET", { host }), host).toBe("passes");
  for (const host of [
    "evil.example",
    "evil.example:9100",
    "127.0.0.1.evil.example",
    "sightline.lan.evil.example",
    "",
  ])
    expect(outcome("GET", { host }), host).toBe("host_refused");
});

test("writes and WebSockets come from this server's own pages, or from no page", () => {
  const host = "127.0.0.1:9100";
  const foreign = [
    "http://evil.example",
    "http://127.0.0.1:8080",
    "http://localhost:9100",
    "null",
    "nonsense",
  ];
  const upgrade = "websocket";
  for (const [method, more] of [
    ["POST", {}],
    ["DELETE", {}],
    ["GET", { upgrade }],
  ] as const) {
    expect(outcome(method, { host, ...more })).toBe("passes");
    for (const origin of ["http://127.0.0.1:9100", "https://127.0.0.1:9100"])
      expect(outcome(method, { host, origin, ...more }), origin).toBe("passes");
    for (const origin of foreign)
      expect(outcome(method, { host, origin, ...more }), origin).toBe("origin_refused");
    expect(outcome(method, { host, "sec-fetch-site": "cross-site", ...more })).toBe("origin_refused");
  }
  expect(outcome("GET", { host, origin: "http://evil.example" })).toBe("passes");
});
