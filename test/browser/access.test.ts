import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@sightline/service/testing";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { OidcProvider } from "../../services/results/src/testing/oidc-provider.ts";
import { expectAccessible, prepareAccessible } from "./accessible.ts";
import { livePicture, shownFrame, untilDrawn } from "./canvas-shot.ts";
import { type ConsolePage, ConsoleSystem, patience } from "./console-system.ts";

const adminPassword = "first of all passwords";
const guardPassword = "only the gate";
let sightline: ConsoleSystem;
/** Of the administrator, open all the time. */
let admin: ConsolePage;
let provider: OidcProvider;

beforeAll(async () => {
  sightline = await ConsoleSystem.start();
  const { system } = sightline;
  const cameras = await system.cameras(1);
  await system.register("gate", { uri: cameras.url("camera-1"), targetFps: 3 });
  await system.register("orchard", { uri: `rtsp://127.0.0.1:${await freePort()}/x` });
  const answer = await fetch(`${sightline.origin}/api/v1/cameras/gate/rules`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ zones: [], lines: [], masks: [], rules: [{ type: "appeared" }] }),
  });
  expect(answer.status).toBe(200);
});

afterEach(() => sightline.expectClean());
afterAll(async () => {
  await provider?.stop();
  await sightline?.stop();
});

const heading = (page: Page, name: string) => page.getByRole("heading", { name, exact: true });

/** Fills the login page in. */
async function logIn(page: Page, user: string, password: string): Promise<void> {
  await heading(page, "Log in").waitFor();
  await page.getByLabel("User").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}

/** The status with which the API answers to a page's cookie, or to a token. */
function statusFor(page: Page, path: string, token?: string): Promise<number> {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  return page.evaluate(
    ([address, sent]) =>
      fetch(address, { headers: sent, credentials: sent.authorization ? "omit" : "include" }).then(
        ({ status }) => status,
      ),
    [`/api/v1${path}`, headers as { authorization?: string }] as const,
  );
}

test("an open server says so, and the first administrator closes it", async () => {
  admin = await sightline.open("/");
  const { page } = admin;
  await page.getByRole("link", { name: "Open: no login" }).click();
  await heading(page, "This server is open").waitFor();
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Add the first administrator" }).click();
  expect(await statusFor(page, "/users")).toBe(200);
  await page.getByLabel("Password").fill(adminPassword);
  await page.getByRole("button", { name: "Add the first administrator" }).click();
  const users = page.getByTestId("users");
  await users.getByRole("row", { name: /^admin/ }).waitFor();
  expect(await page.getByRole("link", { name: "Open: no login" }).count()).toBe(0);
  expect((await fetch(`${sightline.origin}/api/v1/cameras`)).status).toBe(401);
});

test("who comes by a link logs in first, and is then where the link leads", async () => {
  const events = await sightline.api<{ code: string }>("/events");
  expect(events.code).toBe("unauthenticated");
  await admin.page.goto(`${sightline.origin}/events`);
  const row = admin.page.getByTestId("events").locator("li", { hasText: "appeared" }).first();
  const path = await row.locator("a.thumbnail, .event-title a").first().getAttribute("href");

  const { page } = await sightline.open(path!);
  await logIn(page, "admin", "a wrong password");
  await page.getByRole("alert").getByText("wrong").waitFor();
  expect(await page.getByLabel("Password").inputValue()).toBe("");
  expect(await page.getByRole("dialog").count()).toBe(0);
  await logIn(page, "admin", adminPassword);
  await page.getByRole("dialog", { name: /camera gate$/ }).waitFor();
  expect(new URL(page.url()).pathname).toBe(path);
  await page.context().close();
});

test("the login page and the settings are accessible", { timeout: 400_000 }, async () => {
  const { page } = await sightline.blank();
  await prepareAccessible(page);
  await page.goto(`${sightline.origin}/settings`);
  await logIn(page, "admin", "a wrong password");
  await page.getByRole("alert").waitFor();
  await expectAccessible(page);
  await logIn(page, "admin", adminPassword);
  await page
    .getByTestId("users")
    .getByRole("row", { name: /^admin/ })
    .waitFor();
  await page.getByRole("button", { name: "Make a token" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("of a look at the page");
  await page.getByRole("button", { name: "Make the token" }).click();
  await page.getByTestId("new-token").waitFor();
  await page.getByRole("button", { name: "Add a user" }).click();
  await page.getByRole("dialog").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expectAccessible(page);
  await page.context().close();
});

test("a viewer of one camera sees it, is offered no changes, and gets no sign of the other", async () => {
  const { page } = admin;
  await page.goto(`${sightline.origin}/settings`);
  const wrongLogins = page.getByTestId("audit").getByRole("row").filter({ hasText: "denied" });
  await wrongLogins.first().getByText("admin").waitFor();
  await page.getByRole("button", { name: "Add a user" }).click();
  await page.getByRole("dialog").getByLabel("User").fill("guard");
  await page.getByRole("dialog").getByLabel("Cameras").fill("Gate");
  await page.getByRole("dialog").getByLabel("Password").fill(guardPassword);
  await page.getByRole("button", { name: "Add user", exact: true }).click();
  await page.getByText("“Gate” is not a camera name").waitFor();
  await page.getByRole("dialog").getByLabel("Cameras").fill("gate");
  await page.getByRole("button", { name: "Add user", exact: true }).click();
  await page
    .getByTestId("users")
    .getByRole("row", { name: /^guard viewer gate password never/ })
    .waitFor();

  const { page: view, record } = await sightline.open("/", {}, ["orchard"]);
  await logIn(view, "guard", guardPassword);
  await untilDrawn(livePicture(view, "gate"));
  expect(await view.locator(".tile").count()).toBe(1);
  const offers = async () =>
    (await view.locator("a, button").allTextContents())
      .map((text) => text.trim())
      .filter((text) => text !== "");
  expect(await offers()).not.toContain("Add camera");
  await view.getByRole("link", { name: "gate", exact: true }).click();
  await untilDrawn(livePicture(view));
  for (const change of ["Edit", "Delete", "Zones and rules", "Add camera"])
    expect(await offers()).not.toContain(change);
  await view.locator('nav a[href="/models"]').click();
  await heading(view, "Shadows").waitFor();
  for (const change of ["Start the shadow", "Activate", "Roll back"])
    expect(await offers()).not.toContain(change);
  for (const path of ["/events", "/system", "/settings"]) {
    await view.locator(`nav a[href="${path}"]`).click();
    await view.locator("main h1").waitFor();
  }
  await heading(view, "You").waitFor();
  expect(await view.getByTestId("users").count()).toBe(0);
  expect(await view.getByTestId("audit").count()).toBe(0);
  await view.goto(`${sightline.origin}/cameras/gate/zones`);
  await view.getByText("This needs the role “operator”").waitFor();
  await view.goto(`${sightline.origin}/cameras/orchard`);
  await view.getByText("There is no camera of this name").waitFor();
  expect(record.count("samples")).toBeGreaterThan(0);
  expect(record.leaks).toEqual([]);
});

test("a login that ends while one looks leads to the login page, and back to the same page", async () => {
  const { page: view } = await sightline.open("/cameras/gate");
  await logIn(view, "guard", guardPassword);
  await untilDrawn(livePicture(view));
  const { page } = admin;
  await page.getByRole("button", { name: "Change user guard" }).click();
  await page.getByRole("dialog").getByLabel("New password").fill("another for the guard");
  await page.getByRole("button", { name: "Save changes" }).click();
  await heading(view, "Log in").waitFor();
  expect(await view.getByTestId("connection-banner").count()).toBe(0);
  await logIn(view, "guard", "another for the guard");
  await heading(view, "gate").waitFor();
  await untilDrawn(livePicture(view));

  await page.getByRole("button", { name: "Change user guard" }).click();
  await page.getByRole("dialog").getByLabel("Role").selectOption("operator");
  await page.getByRole("button", { name: "Save changes" }).click();
  await view.getByRole("link", { name: "Edit", exact: true }).waitFor();
  await page.getByRole("button", { name: "Remove user guard" }).click();
  await page.getByRole("button", { name: "Remove the user" }).click();
  await heading(view, "Log in").waitFor();
  await view.context().close();
});

test("what is not saved yet outlasts a login that ends", async () => {
  const { page: view } = await sightline.open("/cameras/gate/zones");
  await logIn(view, "admin", adminPassword);
  await view.getByRole("button", { name: "Draw zone" }).click();
  await view.getByRole("button", { name: "Place one in the middle" }).click();
  await view.getByText("Not saved yet.").waitFor();
  const { page } = admin;
  await page.goto(`${sightline.origin}/settings`);
  await page.getByLabel("Current password").fill(adminPassword);
  await page.getByLabel("New password").fill(`${adminPassword}, changed`);
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByText("Changed.").waitFor();
  await logIn(view, "admin", `${adminPassword}, changed`);
  await view.getByText("Not saved yet.").waitFor();
  await view.getByRole("button", { name: "Save rules" }).click();
  await view.getByText("Saved; in force from the next frame.").waitFor();
  await view.context().close();
});

test("a token is shown once, lets programs in, and is revoked", async () => {
  const { page } = admin;
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Make a token" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("a program");
  await page.getByRole("button", { name: "Make the token" }).click();
  await page.getByTestId("new-token").getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied").waitFor();
  const token = await page.evaluate<string>("navigator.clipboard.readText()");
  expect(token).toMatch(/^slt_/);
  expect(await statusFor(page, "/cameras", token)).toBe(200);
  await page.reload();
  await page
    .getByTestId("tokens")
    .getByRole("row", { name: /^a program admin viewer all/ })
    .waitFor();
  expect(await page.content()).not.toContain(token);
  await page.getByRole("button", { name: "Revoke token a program" }).click();
  await page.getByRole("button", { name: "Revoke the token" }).click();
  await page.getByRole("button", { name: "Revoke token a program" }).waitFor({ state: "detached" });
  expect(await statusFor(page, "/cameras", token)).toBe(401);
});

test("a login outlasts a restart of the server, here with a login provider", async () => {
  const { page } = admin;
  await page.goto(`${sightline.origin}/cameras/gate`);
  await untilDrawn(livePicture(page));
  const { stack, directory, ports } = sightline.system;
  await stack.process("results").stop();
  await page.getByTestId("connection-banner").waitFor();
  const before = await shownFrame(livePicture(page));
  provider = new OidcProvider(await freePort());
  const client = { clientId: "sightline", clientSecret: "of a test, and long enough" };
  await provider.start({
    ...client,
    redirectUrl: `${sightline.origin}/api/v1/auth/oidc/callback`,
    groups: { gus: ["guards"] },
    codeSeconds: 60,
  });
  const secretFile = join(directory, "oidc-secret");
  writeFileSync(secretFile, client.clientSecret);
  await stack.startService("results", {
    SIGHTLINE_OIDC_ISSUER: provider.issuer,
    SIGHTLINE_OIDC_CLIENT_ID: client.clientId,
    SIGHTLINE_OIDC_CLIENT_SECRET_FILE: secretFile,
    SIGHTLINE_OIDC_LABEL: "Log in with the test",
    SIGHTLINE_OIDC_ROLES: "guards=viewer:gate",
  });
  await stack.ready("results", `http://127.0.0.1:${ports.results}/readyz`, AbortSignal.timeout(60_000));
  await page.getByTestId("connection-banner").waitFor({ state: "detached" });
  await untilDrawn(livePicture(page), before);
  expect(await heading(page, "Log in").count()).toBe(0);
});

/** Presses the login page's button, logs in at the provider, and comes back. */
async function logInAtProvider({ page, record }: ConsolePage, user: string): Promise<void> {
  // What the provider's own page asks of others is not for this test.
  await page.route("https://fonts.googleapis.com/**", (route) => route.abort());
  await page.getByRole("link", { name: "Log in with the test" }).click();
  await page.getByPlaceholder("Enter any login").fill(user);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL((url) => url.origin === sightline.origin);
  const elsewhere = record.foreignRequests.splice(0).map((url) => new URL(url).origin);
  expect([provider.issuer, "https://fonts.googleapis.com"]).toEqual(expect.arrayContaining(elsewhere));
}

test("the login provider's button leads to the console with the cameras given there, and out again", async () => {
  const opened = await sightline.open("/events?camera=gate", {}, ["orchard"]);
  const { page, record } = opened;
  await logInAtProvider(opened, "gus");
  await heading(page, "Events").waitFor();
  expect(new URL(page.url()).search).toBe("?camera=gate");
  await page.locator('nav a[href="/"]').click();
  await untilDrawn(livePicture(page, "gate"));
  expect(await page.locator(".tile").count()).toBe(1);
  await page.getByRole("button", { name: "gus@127.0.0.1", exact: true }).click();
  await page.getByRole("button", { name: "Log out" }).click();
  await heading(page, "Log in").waitFor();
  expect(await statusFor(page, "/cameras")).toBe(401);
  expect(record.leaks).toEqual([]);
  await page.context().close();
});

test("whom the provider knows but nobody gave a role is told so, and may log in otherwise", async () => {
  const opened = await sightline.open("/system");
  const { page } = opened;
  await logInAtProvider(opened, "eve");
  await page.getByRole("alert").getByText("have no role here. Ask an administrator").waitFor();
  expect(await statusFor(page, "/cameras")).toBe(401);
  await logIn(page, "admin", `${adminPassword}, changed`);
  await heading(page, "System").waitFor();
  expect(new URL(page.url()).pathname).toBe("/system");
  await page.context().close();
});

test("logging out ends the login, and nothing is left to go back to", async () => {
  const { page } = admin;
  await page.goto(`${sightline.origin}/cameras/gate`);
  await untilDrawn(livePicture(page));
  const [cookie] = await page.context().cookies();
  expect(cookie).toMatchObject({ name: "sightline_session", httpOnly: true, sameSite: "Lax" });
  await page.getByRole("button", { name: "admin", exact: true }).click();
  await page.getByRole("button", { name: "Log out" }).click();
  await heading(page, "Log in").waitFor();
  const headers = { cookie: `${cookie!.name}=${cookie!.value}` };
  await expect
    .poll(async () => (await fetch(`${sightline.origin}/api/v1/cameras`, { headers })).status, patience)
    .toBe(401);
  await page.goBack();
  await heading(page, "Log in").waitFor();
  expect(await page.locator("canvas").count()).toBe(0);
});
