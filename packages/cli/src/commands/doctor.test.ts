import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authorizationFile, writeNatsKeys } from "@sightline/service";
import { freePort, NatsServer } from "@sightline/service/testing";
import { projectRoot } from "@sightline/stack";
import { expect, test } from "vitest";
import { reinstallFix } from "../doctor/execution-providers.ts";
import { ownerCommands } from "../doctor/ports.ts";
import { cameraFix, firstProgram } from "../doctor/programs.ts";
import { faultFix } from "../doctor/storage.ts";
import { runCommand, useResults } from "../testing/command-line.ts";

const { results, sightline } = useResults();

test("finds what the tests run on", async () => {
  const { stdout } = await sightline("doctor", "--json");
  const { findings } = JSON.parse(stdout);
  const state = (name: string) => findings.find((finding: { name: string }) => finding.name === name)?.state;
  expect(state("node")).toBe("ok");
  expect(state("ffmpeg")).toBe("ok");
  expect(state("nats-server")).toBe("ok");
  expect(state("execution provider cpu")).toBe("ok");
});

test("looks at the ports that the settings name", async () => {
  const { stdout } = await sightline("doctor", "--json");
  const { findings } = JSON.parse(stdout);
  const port = results().address.split(":")[1];
  const grpc = findings.find((finding: { name: string }) => finding.name === `port ${port} (gRPC)`);
  expect(grpc).toMatchObject({
    state: "ok",
    detail: expect.stringMatching(/^in use by Sightline with \d+ cameras?$/),
  });
});

test("tells of services that do not run, hang or are not ready, and of NATS that is away", async () => {
  const { address, http, nats } = results();
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const hanging = (silent.address() as AddressInfo).port;
  const ingest = `127.0.0.1:${await freePort()}`;
  const env = {
    SIGHTLINE_NATS_URL: nats.url,
    SIGHTLINE_GRPC: address,
    SIGHTLINE_RESULTS_HTTP: http,
    SIGHTLINE_INGEST_HTTP: ingest,
    SIGHTLINE_INFERENCE_HTTP: `127.0.0.1:${hanging}`,
  };
  const port = (at: string) => at.split(":").at(-1);
  const told = async () => {
    const { code, stdout } = await runCommand(["doctor", "--json"], env);
    expect(code).toBe(1);
    const { findings } = JSON.parse(stdout) as {
      findings: { name: string; state: string; detail: string }[];
    };
    return (name: string) => findings.find((finding) => finding.name === name);
  };
  const up = await told();
  expect(up(`port ${port(ingest)} (ingest)`)).toMatchObject({
    state: "warning",
    detail: "ingest does not run here; NATS, gRPC, results do",
  });
  expect(up(`port ${hanging} (inference)`)).toMatchObject({
    state: "missing",
    detail: "takes connections but does not answer within 2 s: inference hangs, or it is another program",
  });
  await nats.down();
  const ready = async () => (await fetch(`http://${http}/readyz`)).status;
  await expect.poll(ready).toBe(503);
  const away = await told();
  expect(away(`port ${port(nats.url)} (NATS)`)).toMatchObject({
    state: "missing",
    detail: "NATS does not run here; gRPC, results do",
  });
  expect(away(`port ${port(http)} (results)`)).toMatchObject({
    state: "missing",
    detail: expect.stringMatching(/^in use by Sightline's results, which is not ready: .*NATS/),
  });
  await nats.up();
  await expect.poll(ready).toBe(200);
  silent.close();
});

test("tells of a setting that names no port", async () => {
  const outcome = await runCommand(["doctor"], { SIGHTLINE_GRPC: "elsewhere" });
  expect(outcome).toMatchObject({ code: 1, stderr: "" });
  expect(outcome.stdout).toContain("✗ ports  ");
  expect(outcome.stdout).toContain('SIGHTLINE_GRPC = "elsewhere": expected HOST:PORT');
});

test("asks every NATS server that is named, here and elsewhere, and shows no password", async () => {
  const env = {
    SIGHTLINE_NATS_URL: `${results().nats.url}, tls://user:sesame@nats.invalid`,
    SIGHTLINE_GRPC: "sightline.invalid:50051",
    SIGHTLINE_WEBHOOKS: "[]",
    SIGHTLINE_BRIDGES_HTTP: results().address,
  };
  const { code, stdout } = await runCommand(["doctor", "--json"], env);
  expect(code).toBe(1);
  expect(stdout).not.toContain("sesame");
  const { findings } = JSON.parse(stdout) as { findings: { name: string }[] };
  const port = (address: string) => address.split(":").at(-1);
  expect(findings).toEqual(
    expect.arrayContaining([
      {
        name: `port ${port(results().nats.url)} (NATS)`,
        state: "ok",
        detail: expect.stringMatching(/^in use by NATS \S+ with JetStream$/),
      },
      {
        name: "NATS at nats.invalid:4222",
        state: "missing",
        detail: expect.stringContaining("does not answer"),
      },
      { name: "gRPC at sightline.invalid:50051", state: "missing", detail: "no Sightline answers there" },
      expect.objectContaining({
        name: `port ${port(results().address)} (bridges)`,
        detail: "taken by another program",
      }),
    ]),
  );
});

test("says where the key of a closed NATS may be, and does not ask who has its port", async () => {
  const closed = await NatsServer.start((directory) => {
    writeNatsKeys(join(directory, "nats-keys"));
    return `include "nats-keys/${authorizationFile}"`;
  });
  const env = { SIGHTLINE_NATS_URL: closed.url, SIGHTLINE_GRPC: results().address };
  const nats = async (more: Record<string, string> = {}) => {
    const { stdout } = await runCommand(["doctor", "--json"], { ...env, ...more });
    const { findings } = JSON.parse(stdout) as { findings: { name: string }[] };
    return findings.find(({ name }) => name.endsWith("(NATS)"));
  };
  const detail = expect.stringContaining("up with --data DIRECTORY it is DIRECTORY/nats-keys/operator.nk");
  expect(await nats()).toEqual({ name: expect.any(String), state: "missing", detail });
  const key = join(closed.directory, "nats-keys/operator.nk");
  expect(await nats({ SIGHTLINE_NATS_NKEY_FILE: key })).toMatchObject({ state: "ok" });
  await closed.stop();
});

test("prints fixes that work from any folder, with the PATH that the launcher has", async () => {
  const stranger = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(stranger, "listening");
  const { port } = stranger.address() as AddressInfo;
  const env = {
    FFMPEG_PATH: "/nowhere/ffmpeg",
    NATS_SERVER_PATH: "/nowhere/nats-server",
    SIGHTLINE_GRPC: `127.0.0.1:${port}`,
  };
  const doctor = await runCommand(["doctor", "--json"], env, tmpdir());
  const bare = await runCommand(["doctor", "--json"], { ...env, PATH: "/nowhere" });
  stranger.close();
  const { findings: without } = JSON.parse(bare.stdout) as { findings: { name: string; fix?: string }[] };
  const taken = without.find(({ name }) => name === `port ${port} (gRPC)`);
  expect(taken).toEqual({ name: taken?.name, state: "missing", detail: "taken by another program" });
  const { findings } = JSON.parse(doctor.stdout) as { findings: { name: string; fix?: string }[] };
  const fixOf = (name: string) => findings.find((finding) => finding.name === name)?.fix;
  const path = process.env.PATH!.split(":").filter((part) => !part.includes("node_modules"));
  for (const name of ["ffmpeg", "nats-server", `port ${port} (gRPC)`]) {
    const run = spawn("bash", ["-c", fixOf(name) ?? "exit 9"], {
      cwd: tmpdir(),
      env: { ...env, PATH: path.join(":") },
      stdio: "ignore",
    });
    expect([name, (await once(run, "close"))[0]]).toEqual([name, 0]);
  }
});

const bash = (text: string, env: NodeJS.ProcessEnv = {}, cwd = projectRoot) => {
  const path = process.env.PATH!.split(":").filter((part) => !part.includes("node_modules"));
  const all = { PATH: path.join(":"), ...env };
  // With a pipe for its input, bash may take itself for a remote shell and run what its user has set up for one.
  return spawnSync("bash", ["-c", text], {
    cwd,
    env: all,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
};

test("the fix for execution providers and that for cameras run as they are printed", () => {
  expect(bash(cameraFix)).toMatchObject({ status: 0 });
});

test("what installs packages anew removes them and starts the launcher, which says how to get npm", () => {
  const folder = mkdtempSync(join(tmpdir(), "sightline-bare-"));
  copyFileSync(join(projectRoot, "sightline"), join(folder, "sightline"));
  mkdirSync(join(folder, "node_modules/onnxruntime-node"), { recursive: true });
  // No npm, so that nothing is fetched.
  for (const tool of ["dirname", "readlink", "bash", "rm"])
    symlinkSync(bash(`command -v ${tool}`).stdout.trim(), join(folder, tool));
  const launched = bash(reinstallFix, { PATH: folder }, folder);
  expect(existsSync(join(folder, "node_modules"))).toBe(false);
  rmSync(folder, { recursive: true });
  expect(launched).toMatchObject({ status: 1, stderr: expect.stringContaining("Node.js 18 or later") });
  const [, install, packages] = /'(apt-get install ([^']+))'/.exec(launched.stderr) ?? [];
  expect(install).toBe("apt-get install nodejs npm");
  // To simulate it takes apt half a minute, and fails where a Node.js from elsewhere is installed: so only whether it knows them.
  if (globSync("/var/lib/apt/lists/*_Packages*").length > 0)
    expect(bash(`apt-cache show --no-all-versions ${packages}`)).toMatchObject({ status: 0, stderr: "" });
});

test("each command that shows who has a port shows it", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const commands = Object.entries(ownerCommands(port)).filter(([program]) => firstProgram([program]));
  expect(commands.length).toBeGreaterThan(0);
  for (const [, command] of commands) {
    const { status, stdout, stderr } = bash(command);
    expect([command, status]).toEqual([command, 0]);
    expect(stdout + stderr, command).toMatch(new RegExp(`(?<!\\d)${process.pid}(?!\\d)`));
  }
  server.close();
});

test("the fix for a stream that NATS does not take shows its log, or restarts a service that compose has", () => {
  const folder = mkdtempSync(join(tmpdir(), "sightline's data-"));
  const room = { directory: join(folder, "nats"), freeBytes: 2 ** 30, sizeBytes: 2 ** 31 };
  // There need not be a Docker engine here.
  expect(faultFix(room)?.split(" ").slice(0, 4)).toEqual(["docker", "compose", "restart", "nats"]);
  expect(readFileSync(join(projectRoot, "docker-compose.yml"), "utf8")).toMatch(/^ {2}nats:$/m);
  mkdirSync(join(folder, "logs"));
  writeFileSync(join(folder, "logs/nats-server.log"), "[ERR] disk full\n");
  expect(bash(faultFix(room)!)).toMatchObject({ status: 0, stdout: "[ERR] disk full\n" });
  rmSync(folder, { recursive: true });
});

test("says what is missing and how to get it, and fails", async () => {
  const outcome = await runCommand(["doctor"], { FFMPEG_PATH: "/nowhere/ffmpeg" });
  expect(outcome.code).toBe(1);
  expect(outcome.stdout).toMatch(
    /✗ ffmpeg .*\/nowhere\/ffmpeg.*\n.*fix: unset FFMPEG_PATH && deploy\/system-packages.sh server/,
  );
});

test("knows a server that has users, whether it is let in or not", async () => {
  const { address, http } = results();
  const user = { name: "root", role: "admin", password: "correct horse" };
  const made = await fetch(`http://${http}/api/v1/users`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(user),
  });
  expect(made.status).toBe(201);
  const { stdout } = await runCommand(["doctor", "--json"], {
    SIGHTLINE_GRPC: address,
    SIGHTLINE_RESULTS_HTTP: http,
  });
  const { findings } = JSON.parse(stdout) as { findings: { name: string }[] };
  const port = (at: string, name: string) =>
    findings.find((finding) => finding.name === `port ${at.split(":").at(-1)} (${name})`);
  expect(port(http, "results")).toMatchObject({ state: "ok", detail: "in use by Sightline's results" });
  expect(port(address, "gRPC")).toMatchObject({
    state: "ok",
    detail: expect.stringMatching(/^in use by Sightline, which has users: log in/),
  });
});
