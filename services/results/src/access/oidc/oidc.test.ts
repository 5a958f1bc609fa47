import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditRecordJson, HttpAuth } from "@sightline/contracts";
import { freePort } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CookieBrowser } from "../../testing/cookie-browser.ts";
import { OidcProvider } from "../../testing/oidc-provider.ts";
import type { OidcProviderOptions } from "../../testing/oidc-provider-process.ts";
import { RunningResults } from "../../testing/running-results.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-oidc-"));
const file = (name: string, text: string) => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};
const password = "of the first admin";
let results: RunningResults;
let origin: string;
let provider: OidcProvider;
let options: OidcProviderOptions;

beforeAll(async () => {
  provider = new OidcProvider(await freePort());
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  options = {
    clientId: "sightline",
    clientSecret: "of a test, and long enough",
    redirectUrl: `${origin}/api/v1/auth/oidc/callback`,
    groups: { ada: ["staff", "chiefs"], gus: ["guards"] },
    codeSeconds: 60,
  };
  results = await RunningResults.start({
    SIGHTLINE_RESULTS_HTTP: `127.0.0.1:${port}`,
    SIGHTLINE_ADMIN_PASSWORD_FILE: file("admin", `${password}\n`),
    SIGHTLINE_OIDC_ISSUER: provider.issuer,
    SIGHTLINE_OIDC_CLIENT_ID: options.clientId,
    SIGHTLINE_OIDC_CLIENT_SECRET_FILE: file("secret", `${options.clientSecret}\n`),
    SIGHTLINE_OIDC_LABEL: "Log in with the test",
    SIGHTLINE_OIDC_ROLES: "chiefs=operator; guards=viewer:gate,yard-*",
  });
});
afterAll(async () => {
  await provider?.stop();
  await results?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const isCallback = (url: string) => url.startsWith(`${origin}/api/v1/auth/oidc/callback`);
const atProvider = (url: string) => url.startsWith(provider.issuer);

/** Logs in at the provider as a person does, and returns the address that it sends the browser back to. */
async function atTheProvider(browser: CookieBrowser, user: string, to = "/"): Promise<string> {
  const start = `${origin}/api/v1/auth/oidc/start?${new URLSearchParams({ to })}`;
  let url = await browser.follow(start, (next) => !isCallback(next) && !next.includes("/login?"));
  for (const form of [{ prompt: "login", login: user, password: "any" }, { prompt: "consent" }]) {
    if (!url.includes("/interaction/")) break;
    const answer = await browser.ask(url, new URLSearchParams(form as Record<string, string>));
    url = await browser.follow(answer.headers.get("location")!, atProvider);
  }
  return url;
}

/** Goes to an address of this server that sends the browser on, and says where to. */
async function sentTo(browser: CookieBrowser, url: string): Promise<string> {
  const answer = await browser.ask(url);
  expect(answer.status).toBe(302);
  return answer.headers.get("location")!;
}

async function whoIs(browser: CookieBrowser): Promise<HttpAuth> {
  return (await browser.ask(`${origin}/api/v1/auth`)).json() as Promise<HttpAuth>;
}

async function passwordLogin(browser: CookieBrowser): Promise<number> {
  return (await browser.ask(`${origin}/api/v1/auth/login`, { user: "admin", password })).status;
}

const fault = (code: string, to = "/") => `/login?${new URLSearchParams({ fault: code, to })}`;

test("while the provider is away the login page is told so, and passwords go on", async () => {
  const browser = new CookieBrowser();
  const start = `${origin}/api/v1/auth/oidc/start?to=/system`;
  expect(await sentTo(browser, start)).toBe(fault("oidc_unavailable", "/system"));
  expect(await passwordLogin(browser)).toBe(204);
  await provider.start(options);
  // It is not asked again at once.
  await expect.poll(() => sentTo(browser, start)).toContain(provider.issuer);
});

test("who logs in at the provider gets the role and cameras of their groups, and the page that was wanted", async () => {
  const browser = new CookieBrowser();
  const back = await atTheProvider(browser, "gus", "/events?camera=gate");
  expect(await sentTo(browser, back)).toBe("/events?camera=gate");
  const { open, user, login } = await whoIs(browser);
  expect({ open, user }).toEqual({
    open: false,
    user: { name: "gus@127.0.0.1", role: "viewer", cameras: ["gate", "yard-*"] },
  });
  expect(login).toEqual({
    password: true,
    oidc: { label: "Log in with the test", url: "/api/v1/auth/oidc/start" },
  });
  expect([...browser.cookies.keys()].filter((name) => name.startsWith("sightline"))).toEqual([
    "sightline_session",
  ]);
  expect((await browser.ask(`${origin}/api/v1/users`)).status).toBe(403);
  const admin = new CookieBrowser();
  await passwordLogin(admin);
  const trail = async () => {
    const answer = await admin.ask(`${origin}/api/v1/audit?user=gus%40127.0.0.1`);
    return ((await answer.json()) as { records: AuditRecordJson[] }).records;
  };
  await expect
    .poll(trail)
    .toMatchObject([{ action: "login", outcome: "ok", detail: "at the login provider" }]);
});

test("what the provider says counts anew at each login", async () => {
  await provider.stop();
  await provider.start({ ...options, groups: { ...options.groups, gus: ["chiefs"] } });
  const browser = new CookieBrowser();
  await sentTo(browser, await atTheProvider(browser, "gus"));
  expect((await whoIs(browser)).user).toMatchObject({ role: "operator", cameras: ["*"] });
});

test("an answer to another login is refused, and so is the same answer twice", async () => {
  const browser = new CookieBrowser();
  const back = new URL(await atTheProvider(browser, "ada"));
  const other = new URL(back);
  other.searchParams.set("state", "of-somebody-else");
  const attempt = browser.cookies.get("sightline_oidc")!;
  expect(await sentTo(browser, other.href)).toBe(fault("oidc_expired"));
  expect(await sentTo(browser, back.href)).toBe(fault("oidc_expired"));
  expect((await whoIs(browser)).user).toBeUndefined();

  // The code was not used up by the wrong state; with the attempt it lets in, once.
  browser.set("sightline_oidc", attempt);
  expect(await sentTo(browser, back.href)).toBe("/");
  expect((await whoIs(browser)).user?.name).toBe("ada@127.0.0.1");
  const thief = new CookieBrowser();
  thief.set("sightline_oidc", attempt);
  expect(await sentTo(thief, back.href)).toBe(fault("oidc_expired"));
  thief.set("sightline_oidc", `${attempt.slice(0, -2)}AA`);
  expect(await sentTo(thief, back.href)).toBe(fault("oidc_expired"));
});

test("a code that has expired is refused", async () => {
  await provider.stop();
  await provider.start({ ...options, codeSeconds: 1 });
  const browser = new CookieBrowser();
  const back = await atTheProvider(browser, "ada");
  const made = Date.now();
  await expect.poll(() => Date.now() - made).toBeGreaterThan(2_000);
  expect(await sentTo(browser, back)).toBe(fault("oidc_expired"));
  await provider.stop();
  await provider.start(options);
});

test("who has no role is not let in, and no user is made", async () => {
  const browser = new CookieBrowser();
  expect(await sentTo(browser, await atTheProvider(browser, "eve", "/system"))).toBe(
    fault("oidc_no_role", "/system"),
  );
  expect((await whoIs(browser)).user).toBeUndefined();
});

test("who cancels at the provider is told so", async () => {
  const browser = new CookieBrowser();
  const start = `${origin}/api/v1/auth/oidc/start`;
  const interaction = await browser.follow(start, (url) => !url.includes("/interaction/"));
  const back = await browser.follow(`${interaction}/abort`, atProvider);
  expect(new URL(back).searchParams.get("error")).toBe("access_denied");
  expect(await sentTo(browser, back)).toBe(fault("oidc_refused"));
});

test("an administrator's users keep their role, and nobody takes over another's name", async () => {
  const admin = new CookieBrowser();
  expect(await passwordLogin(admin)).toBe(204);
  const made = [
    { name: "eve@127.0.0.1", role: "viewer", cameras: ["hall"] },
    { name: "mia@127.0.0.1", role: "viewer", cameras: ["hall"], password: "of mia alone" },
  ];
  for (const user of made) expect((await admin.ask(`${origin}/api/v1/users`, user)).status).toBe(201);
  const eve = new CookieBrowser();
  expect(await sentTo(eve, await atTheProvider(eve, "eve"))).toBe("/");
  expect((await whoIs(eve)).user).toMatchObject({ role: "viewer", cameras: ["hall"] });
  const mia = new CookieBrowser();
  expect(await sentTo(mia, await atTheProvider(mia, "mia"))).toBe(fault("oidc_name_taken"));
});

test("a login leads to pages of this server only", async () => {
  for (const to of ["https://evil.example/", "//evil.example/", "/\\evil.example", "/\t/evil.example"]) {
    const browser = new CookieBrowser();
    expect(await sentTo(browser, await atTheProvider(browser, "ada", to)), to).toBe("/");
  }
});

test("a provider that goes away meanwhile is noticed", async () => {
  const browser = new CookieBrowser();
  const back = await atTheProvider(browser, "ada");
  await provider.stop();
  expect(await sentTo(browser, back)).toBe(fault("oidc_unavailable"));
  await expect
    .poll(() => sentTo(browser, `${origin}/api/v1/auth/oidc/start`))
    .toBe(fault("oidc_unavailable"));
});
