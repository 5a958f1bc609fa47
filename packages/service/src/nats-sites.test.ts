import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { compareSync } from "bcryptjs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { authorizationFile, writeNatsKeys } from "./nats-keys.ts";
import { centreFile, makeSite, siteOf, sitesDirectory } from "./nats-sites.ts";
import { freePort, NatsServer } from "./testing/index.ts";

let keys: string;
beforeEach(() => {
  keys = mkdtempSync(join(tmpdir(), "sightline-site-keys-"));
});
afterEach(() => rmSync(keys, { recursive: true }));

const text = (...path: string[]) => readFileSync(join(keys, ...path), "utf8");

test("what is no site's name, no address, or there already is said, and changes nothing", () => {
  const centre = "tls://centre.example.org:7422";
  for (const name of ["North", "north-1", "", "a".repeat(25), "../x"])
    expect(() => makeSite(keys, name, { centre })).toThrow(`'${name}' cannot be a site's name`);
  expect(() => makeSite(keys, "centre", { centre })).toThrow(/because this is the centre's own name/);
  for (const address of [
    "",
    "centre.example.org:7422",
    "http://centre",
    "tls://a:b@centre",
    "tls://centre/x",
  ])
    expect(() => makeSite(keys, "north", { centre: address })).toThrow(/expected tls:\/\/HOST:7422/);
  expect(() => makeSite(keys, "north", { centre: "nats://centre", caFile: "ca.pem" })).toThrow(
    expect.objectContaining({ code: "site_invalid" }),
  );
  expect(readdirSync(keys)).toEqual([]);

  makeSite(keys, "north", { centre });
  const before = text("sites", "north.conf");
  expect(() => makeSite(keys, "north", { centre })).toThrow(/already exists.*--replace/);
  expect(text("sites", "north.conf")).toBe(before);
});

/** The password in a site's file, and its hash in the list of the centre's NATS server. */
const passwordOf = (site: string) => /:\/\/\w+:([\w-]+)@/.exec(text("sites", `${site}.conf`))![1]!;
const hashOf = (site: string) =>
  new RegExp(`user: ${site}, password: "(\\$2[^"]+)"`).exec(text(authorizationFile))![1]!;

test("a site's files are their owner's alone; made anew, the old password and key are worth nothing", () => {
  makeSite(keys, "north", { centre: "tls://centre" });
  writeNatsKeys(keys);
  for (const file of ["north.nk", "north.bcrypt", "north.conf"])
    expect(statSync(join(sitesDirectory(keys), file)).mode & 0o777).toBe(0o600);
  const [password, list] = [passwordOf("north"), text(authorizationFile)];
  expect(text("sites", "north.conf")).toContain(`tls://north:${password}@centre:7422`);
  expect(list, "the centre does not keep it").not.toContain(password);
  expect(compareSync(password, hashOf("north"))).toBe(true);
  writeNatsKeys(keys);
  expect(text(authorizationFile), "nothing has changed").toBe(list);

  writeFileSync(join(keys, centreFile), "# changed by hand");
  makeSite(keys, "north", { centre: "tls://centre", replace: true });
  writeNatsKeys(keys);
  expect(compareSync(password, hashOf("north"))).toBe(false);
  expect(compareSync(passwordOf("north"), hashOf("north"))).toBe(true);
  expect(text(centreFile), "is the operator's own").toBe("# changed by hand");
});

test("a password that an earlier version kept in plain text at the centre goes on, as a hash", () => {
  makeSite(keys, "north", { centre: "tls://centre" });
  const [hash, plain] = ["bcrypt", "password"].map((ending) => join(sitesDirectory(keys), `north.${ending}`));
  rmSync(hash!);
  writeFileSync(plain!, `${passwordOf("north")}\n`);
  writeNatsKeys(keys);
  expect(compareSync(passwordOf("north"), hashOf("north"))).toBe(true);
  expect(existsSync(plain!)).toBe(false);
});

test("a site's file says whose it is", () => {
  expect(siteOf(keys)).toBeUndefined();
  writeFileSync(join(keys, "site.conf"), readFileSync(makeSite(keys, "north", { centre: "tls://centre" })));
  expect(siteOf(keys)).toBe("north");
  writeFileSync(join(keys, "site.conf"), "leafnodes {}");
  expect(() => siteOf(keys)).toThrow(/site\.conf was not made by/);
});

test("a site that is told tls:// gives its password to no centre without it", async () => {
  const port = await freePort();
  makeSite(keys, "open", { centre: `nats://127.0.0.1:${port}` });
  makeSite(keys, "north", { centre: `tls://localhost:${port}` });
  writeNatsKeys(keys);
  const http = await freePort();
  const centre = await NatsServer.start(
    (directory) =>
      `http: "127.0.0.1:${http}"\njetstream { store_dir: "${directory}/js", domain: centre }\n${included(directory, authorizationFile, centreFile)}`,
  );
  const open = await NatsServer.start((directory) => siteConfiguration(directory, "open"));
  const own = join(centre.directory, "north");
  mkdirSync(own);
  const config = join(own, "nats.conf");
  writeFileSync(config, `port: ${await freePort()}\n${siteConfiguration(own, "north")}`);
  const north = spawn("nats-server", ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
  try {
    for await (const line of createInterface({ input: north.stderr }))
      if (line.includes("TLS Handshake Failure")) break;
    // The other site shows that the centre takes whoever asks by its name and password.
    const joined = async () => (await fetch(`http://127.0.0.1:${http}/leafz`)).json();
    await vi.waitFor(async () => expect(await joined()).toMatchObject({ leafnodes: 1 }), 60_000);
  } finally {
    const ended = once(north, "exit");
    north.kill();
    await ended;
    for (const server of [open, centre]) await server.stop();
  }
});

function siteConfiguration(directory: string, site: string): string {
  return `${included(directory, `sites/${site}.conf`)}\njetstream { store_dir: "${directory}/js", domain: $SITE }`;
}

/** A server's configuration, and copies of the files that it includes beside it. */
function included(directory: string, ...files: string[]): string {
  return files
    .map((file, at) => {
      writeFileSync(join(directory, `${at}.conf`), text(file));
      return `include "${at}.conf"`;
    })
    .join("\n");
}
