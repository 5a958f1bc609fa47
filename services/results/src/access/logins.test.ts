import { afterAll, beforeAll, expect, test } from "vitest";
import { RunningResults } from "../testing/running-results.ts";

let results: RunningResults;
beforeAll(async () => {
  results = await RunningResults.start();
});
afterAll(() => results.stop());

interface Asked {
  body?: unknown;
  token?: string;
  cookie?: string;
  headers?: Record<string, string>;
}

async function ask(method: string, path: string, { body, token, cookie, headers }: Asked = {}) {
  const answer = await fetch(`http://${results.addresses.http}${path}`, {
    method,
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(cookie !== undefined && { cookie }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    // biome-ignore lint/suspicious/noExplicitAny: answers of many routes
    json: (text.startsWith("{") ? JSON.parse(text) : undefined) as any,
    text,
  };
}

const api = "/api/v1";
const password = "correct horse";

test("while there is no user everybody on this machine is an admin, but not through a proxy", async () => {
  const { json } = await ask("GET", `${api}/auth`);
  expect(json).toEqual({
    open: true,
    user: { name: "local", role: "admin", cameras: ["*"] },
    login: { password: true },
  });
  expect((await ask("GET", `${api}/cameras`)).status).toBe(200);
  const proxied = await ask("GET", `${api}/cameras`, { headers: { "x-forwarded-for": "192.0.2.1" } });
  expect(proxied).toMatchObject({ status: 401, json: { code: "unauthenticated" } });
  expect((await ask("GET", `${api}/cameras`, { token: "nonsense" })).status).toBe(401);
});

test("the first user is an admin, and closes the door behind itself", async () => {
  const viewer = { name: "vera", role: "viewer", password };
  expect(await ask("POST", `${api}/users`, { body: viewer })).toMatchObject({ status: 400 });
  const short = { name: "root", role: "admin", password: "short" };
  expect((await ask("POST", `${api}/users`, { body: short })).json.message).toContain("at least 8");
  const created = await ask("POST", `${api}/users`, { body: { name: "root", role: "admin", password } });
  expect(created).toMatchObject({
    status: 201,
    json: { name: "root", role: "admin", cameras: ["*"], hasPassword: true },
  });
  expect(await ask("GET", `${api}/cameras`)).toMatchObject({
    status: 401,
    json: { code: "unauthenticated" },
  });
  expect((await ask("GET", "/metrics")).status).toBe(401);
  expect((await ask("GET", "/healthz")).status).toBe(200);
  expect((await ask("GET", `${api}/auth`)).json).toEqual({ open: false, login: { password: true } });
});

async function logIn(user: string, secret = password): Promise<string> {
  const { status, headers } = await ask("POST", `${api}/auth/login`, { body: { user, password: secret } });
  expect(status).toBe(204);
  return headers.get("set-cookie")!.split(";")[0]!;
}

test("a login is a cookie that no script reads, and ends with logging out", async () => {
  const body = { user: "root", password };
  const { headers } = await ask("POST", `${api}/auth/login`, { body });
  expect(headers.get("set-cookie")).toMatch(
    /^sightline_session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
  );
  const behindTls = await ask("POST", `${api}/auth/login`, {
    body,
    headers: { origin: `https://${results.addresses.http}` },
  });
  expect(behindTls.headers.get("set-cookie")).toMatch(/^__Host-sightline_session=.*; Secure/);

  const cookie = headers.get("set-cookie")!.split(";")[0]!;
  expect((await ask("GET", `${api}/auth`, { cookie })).json).toMatchObject({
    open: false,
    user: { name: "root", role: "admin" },
  });
  expect((await ask("GET", `${api}/users`, { cookie })).json.users[0].lastLoginTime).toBeDefined();
  expect(await ask("POST", `${api}/auth/logout`, { cookie })).toMatchObject({ status: 204 });
  expect((await ask("GET", `${api}/cameras`, { cookie })).status).toBe(401);
  // What is stored lets nobody in.
  const keys = await Array.fromAsync(await results.buckets.access.keys());
  expect(keys.join()).not.toContain(cookie.split("=")[1]);
});

test("users are changed by admins, and the last admin stays one", async () => {
  const cookie = await logIn("root");
  const send = (method: string, path: string, body?: unknown) => ask(method, path, { body, cookie });
  expect(await send("PATCH", `${api}/users/root`, { role: "viewer" })).toMatchObject({
    status: 409,
    json: { code: "last_admin" },
  });
  expect(await send("DELETE", `${api}/users/root`)).toMatchObject({ status: 409 });
  expect(await send("POST", `${api}/users`, { name: "Vera!", role: "viewer" })).toMatchObject({
    status: 400,
  });
  const vera = { name: "vera@example.org", role: "viewer", cameras: ["yard-*"], password };
  expect(await send("POST", `${api}/users`, vera)).toMatchObject({ status: 201 });
  expect(await send("POST", `${api}/users`, vera)).toMatchObject({
    status: 409,
    json: { code: "user_exists" },
  });
  const path = `${api}/users/vera@example.org`;
  expect(await send("PATCH", path, { role: "admin", cameras: ["yard-*"] })).toMatchObject({ status: 400 });
  expect(await send("PATCH", path, { cameras: ["yard-*", "front"] })).toMatchObject({
    status: 200,
    json: { role: "viewer", cameras: ["yard-*", "front"] },
  });
  expect(await send("DELETE", `${api}/users/vara`)).toMatchObject({
    status: 404,
    json: { code: "user_not_found" },
  });

  const her = await logIn("vera@example.org");
  expect(await ask("GET", `${api}/users`, { cookie: her })).toMatchObject({
    status: 403,
    json: { code: "permission_denied", message: expect.stringContaining("needs the role admin") },
  });
  const set = (body: unknown) => ask("POST", `${path}/password`, { body, cookie: her });
  expect(await set({ password: "another one" })).toMatchObject({ status: 400 });
  expect(await set({ password: "another one", current: "wrong" })).toMatchObject({ status: 401 });
  expect(await set({ password: "another one", current: password })).toMatchObject({ status: 204 });
  const roots = await ask("POST", `${api}/users/root/password`, { body: { password }, cookie: her });
  expect(roots.status).toBe(403);
  // Her own session goes on; a new password by an admin ends it.
  expect((await ask("GET", `${api}/cameras`, { cookie: her })).status).toBe(200);
  expect(await send("POST", `${path}/password`, { password })).toMatchObject({ status: 204 });
  expect((await ask("GET", `${api}/cameras`, { cookie: her })).status).toBe(401);
});

test("a token is told once, may never do more than its maker, and ends when it is revoked", async () => {
  const cookie = await logIn("vera@example.org");
  const make = (body: unknown) => ask("POST", `${api}/tokens`, { body, cookie });
  for (const more of [{ role: "operator" }, { cameras: ["*"] }, { cameras: ["yar*"] }, { alone: true }])
    expect(await make({ name: "more", ...more })).toMatchObject({
      status: 403,
      json: { code: "permission_denied" },
    });
  expect((await make({ name: "late", expireTime: "2020-01-01T00:00:00Z" })).status).toBe(400);
  const { json } = await make({ name: "script", cameras: ["yard-1"] });
  expect(json).toMatchObject({
    name: "script",
    user: "vera@example.org",
    role: "viewer",
    cameras: ["yard-1"],
  });
  const { token, id } = json;
  expect(token).toMatch(/^slt_[a-z2-7]{12}_[\w-]{43}$/);
  expect((await ask("GET", `${api}/auth`, { token })).json.user.cameras).toEqual(["yard-1"]);
  const stored = (await results.buckets.access.get(`token.${id}`))!.string();
  expect(stored).toContain("$argon2id$");
  expect(stored).not.toContain(token.slice(-43));

  const changed = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
  for (const wrong of [changed, changed, `slt_aaaaaaaaaaaa_${token.slice(-43)}`])
    expect((await ask("GET", `${api}/cameras`, { token: wrong })).status).toBe(401);
  const listed = await ask("GET", `${api}/tokens`, { token });
  expect(listed.json.tokens).toEqual([expect.objectContaining({ id, lastUseTime: expect.any(String) })]);
  expect(JSON.stringify(listed.json)).not.toContain("argon2");
  expect((await ask("DELETE", `${api}/tokens/${id}`, { cookie })).status).toBe(204);
  expect((await ask("GET", `${api}/cameras`, { token })).status).toBe(401);
  // Another's is not there at all.
  const root = await logIn("root");
  const { json: roots } = await ask("POST", `${api}/tokens`, {
    body: { name: "ci", alone: true },
    cookie: root,
  });
  expect(await ask("DELETE", `${api}/tokens/${roots.id}`, { cookie })).toMatchObject({ status: 404 });
  expect((await ask("GET", `${api}/users`, { token: roots.token })).status).toBe(200);
});

test("a user who is removed takes sessions and tokens along", async () => {
  const root = await logIn("root");
  await ask("POST", `${api}/users`, { body: { name: "tom", role: "operator", password }, cookie: root });
  const cookie = await logIn("tom");
  const { json } = await ask("POST", `${api}/tokens`, { body: { name: "x" }, cookie });
  expect((await ask("DELETE", `${api}/users/tom`, { cookie: root })).status).toBe(204);
  for (const his of [{ cookie }, { token: json.token as string }])
    expect((await ask("GET", `${api}/cameras`, his)).status).toBe(401);
  const keys = await Array.fromAsync(await results.buckets.access.keys());
  expect(keys.filter((key) => key.includes(json.id))).toEqual([]);
});

test("what has a lesser token may not more by it than the token: not longer, nor of others, nor as its user", async () => {
  const root = await logIn("root");
  await ask("POST", `${api}/users`, { body: { name: "sam", role: "operator", password }, cookie: root });
  const cookie = await logIn("sam");
  const make = async (body: unknown, by: Asked = { cookie }) =>
    (await ask("POST", `${api}/tokens`, { body, ...by })).json;
  const expireTime = new Date(Date.now() + 3_600_000).toISOString();
  const wide = await make({ name: "wide", cameras: ["vault"] });
  const lesser = await make({ name: "lesser", role: "viewer", cameras: ["s*"], expireTime });
  const by = { token: lesser.token as string };
  // A label that begins like its ids stands for cameras that have other ids.
  expect(await make({ name: "child", cameras: ["site=north"] }, by)).toMatchObject({
    code: "permission_denied",
  });
  const later = new Date(Date.now() + 7_200_000).toISOString();
  expect(await make({ name: "child", expireTime: later }, by)).toMatchObject({ code: "permission_denied" });
  const child = await make({ name: "child" }, by);
  expect(child).toMatchObject({ cameras: ["s*"], expireTime });
  const { json } = await ask("GET", `${api}/tokens`, by);
  expect(json.tokens.map(({ name }: { name: string }) => name).sort()).toEqual(["child", "lesser"]);
  expect((await ask("DELETE", `${api}/tokens/${wide.id}`, by)).status).toBe(404);
  for (const { id } of [child, lesser])
    expect((await ask("DELETE", `${api}/tokens/${id}`, by)).status).toBe(204);
  expect((await ask("DELETE", `${api}/tokens/${wide.id}`, { cookie })).status).toBe(204);

  // Of a user without a password, as of a login provider: it may not give the user one, and then be the user.
  const last = await make({ name: "last", role: "viewer", cameras: ["yard-1"] });
  const { passwordHash: _, ...without } = (await results.buckets.access.get("user.sam"))!.json<
    Record<string, unknown>
  >();
  await results.buckets.access.put("user.sam", JSON.stringify(without));
  const users = async () => (await ask("GET", `${api}/users`, { cookie: root })).json.users;
  await expect.poll(users).toContainEqual(expect.objectContaining({ name: "sam", hasPassword: false }));
  const set = { body: { password: "owned owned" }, token: last.token as string };
  expect(await ask("POST", `${api}/users/sam/password`, set)).toMatchObject({
    status: 403,
    json: { code: "permission_denied" },
  });
});

test("a user of another results process is known here too, and damage to a user opens nothing", async () => {
  await results.buckets.access.put("user.root", "not a user");
  await expect.poll(async () => (await ask("GET", `${api}/auth`)).json.open).toBe(false);
  expect((await ask("GET", `${api}/cameras`)).status).toBe(401);
});
