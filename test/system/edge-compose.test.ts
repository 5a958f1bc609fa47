import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@sightline/service/testing";
import { projectRoot } from "@sightline/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Json } from "./grpc.ts";
import { Program } from "./program.ts";

const file = (path: string) => readFileSync(join(projectRoot, path), "utf8");
const base = parse(file("docker-compose.yml"), { merge: true }).services;
const added = (name: string): Record<string, Json> => parse(file(`deploy/edge/${name}.yml`)).services;
const [centre, site] = [added("centre"), added("site")];

test("the files of a centre and a site change what they need of the repository's, and give nobody more rights", () => {
  for (const [name, service] of [...Object.entries(centre), ...Object.entries(site)]) {
    expect(base[name], name).toBeDefined();
    for (const key of Object.keys(service)) expect(["environment", "volumes", "ports"]).toContain(key);
    for (const volume of service.volumes ?? []) expect(volume).toMatch(/:ro$/);
  }
  // The port for leaf nodes, which asks for TLS and a password, is the only one that is more than this machine's.
  expect([centre.nats.ports, centre.results.ports, site.nats.ports]).toEqual([
    ["7422:7422"],
    undefined,
    undefined,
  ]);
  for (const { nats } of [centre, site]) {
    const [configuration, target] = nats.volumes[0].split(":");
    expect(existsSync(join(projectRoot, configuration))).toBe(true);
    expect(base.nats.volumes.some((volume: string) => volume.includes(`:${target}:`))).toBe(true);
  }
});

/** Only root may give files to the users of the containers. */
const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)("with the keys that the container of that name makes", () => {
  const directory = mkdtempSync(join(tmpdir(), "sightline-edge-compose-"));
  const keys = join(directory, "keys");
  const folders = base.keys.command.split(" ").slice(2) as string[];
  const here = (path: string) => path.replace("/keys", keys);
  const programs: Program[] = [];

  beforeAll(() => {
    // As it lies in the image.
    symlinkSync(join(projectRoot, "packages"), join(directory, "packages"));
    cpSync(join(projectRoot, "deploy/docker/make-keys.mjs"), join(directory, "make-keys.mjs"));
    for (const folder of folders) mkdirSync(here(folder), { recursive: true });
  });
  afterAll(async () => {
    for (const program of programs) await program.end("SIGKILL");
    rmSync(directory, { recursive: true });
  });

  function makeKeys(environment: Record<string, string>): string {
    return execFileSync(process.execPath, [join(directory, "make-keys.mjs"), ...folders.map(here)], {
      env: { PATH: process.env.PATH, ...environment },
      encoding: "utf8",
    });
  }

  test("results of a centre has the keys of its sites and no others; a site that is named no more is none", () => {
    const environment = {
      SIGHTLINE_CENTRE: "localhost:7422",
      SIGHTLINE_CENTRE_CA: "/etc/nats/site/ca.pem",
    };
    expect(Object.keys(centre.keys.environment).sort()).toEqual(
      [...Object.keys(environment), "SIGHTLINE_SITES"].sort(),
    );
    expect(makeKeys({ ...environment, SIGHTLINE_SITES: "north south" })).toMatch(
      /the site north.*the site south/,
    );
    const atResults = join(keys, "results", "sites");
    expect(centre.results.environment.SIGHTLINE_SITES_DIRECTORY).toBe("/run/keys/sites");
    expect(readdirSync(atResults).sort()).toEqual(["north.nk", "south.nk"]);
    expect(statSync(join(atResults, "north.nk"))).toMatchObject({ uid: 1000 });
    const before = readFileSync(join(keys, "all/sites/north.conf"), "utf8");
    expect(makeKeys({ ...environment, SIGHTLINE_SITES: "north" })).toContain("all keys are there");
    expect(readdirSync(atResults)).toEqual(["north.nk"]);
    expect(readFileSync(join(keys, "all/sites/north.conf"), "utf8")).toBe(before);
    expect(readFileSync(join(keys, "server/authorization.conf"), "utf8").includes("south")).toBe(false);
  });

  test("both NATS servers start with their configuration, and the site joins the centre over TLS", async () => {
    const [leafPort, monitor] = [await freePort(), await freePort()];
    execFileSync("openssl", [
      ..."req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(" "),
      ...["-addext", "subjectAltName=DNS:localhost", "-keyout", join(directory, "key.pem")],
      ...["-out", join(directory, "cert.pem")],
    ]);
    /** What is at /etc/nats and /data in the container is in a folder of its own here, on other ports. */
    const start = async (name: string, http: number, files: Record<string, string>): Promise<Program> => {
      const own = join(directory, name);
      for (const [path, from] of Object.entries(files))
        cpSync(join(directory, from), join(own, path), { recursive: true });
      const text = file(`deploy/edge/${name}.conf`)
        .replaceAll("/etc/nats/", `${own}/`)
        .replace("/data", `${own}/data`)
        .replace("port: 4222", `port: ${await freePort()}`)
        .replace("http_port: 8222", `http_port: ${http}`)
        .replace("0.0.0.0:7422", `127.0.0.1:${leafPort}`);
      writeFileSync(join(own, "nats.conf"), text);
      const program = new Program("env", [
        `SIGHTLINE_CENTRE=localhost:${leafPort}`,
        ...["nats-server", "-c", join(own, "nats.conf")],
      ]);
      programs.push(program);
      return program;
    };
    const siteFile = join(keys, "all/sites/north.conf");
    writeFileSync(
      siteFile,
      readFileSync(siteFile, "utf8")
        .replace("localhost:7422", `localhost:${leafPort}`)
        .replace("/etc/nats/site/", `${directory}/site/site/`),
    );
    await start("centre", monitor, {
      "authorization/authorization.conf": "keys/server/authorization.conf",
      "tls/cert.pem": "cert.pem",
      "tls/key.pem": "key.pem",
    });
    const north = await start("site", await freePort(), {
      "authorization/authorization.conf": "keys/server/authorization.conf",
      "site/site.conf": "keys/all/sites/north.conf",
      "site/ca.pem": "cert.pem",
    });
    const joined = () =>
      fetch(`http://127.0.0.1:${monitor}/leafz`)
        .then((answer) => answer.json())
        .catch(() => north.errors.at(-1));
    await expect.poll(joined).toMatchObject({ leafnodes: 1 });
  });
});
