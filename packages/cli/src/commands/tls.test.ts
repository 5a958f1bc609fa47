import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownTls } from "@sightline/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandOutcome, ResultsProcess, runCommand } from "../testing/command-line.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-tls-"));
const [certificate, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
const server = { SIGHTLINE_TLS_CERT_FILE: certificate, SIGHTLINE_TLS_KEY_FILE: key };
const init = (...more: string[]) => runCommand(["tls", "init", "sightline.lan", "--out", directory, ...more]);
let results: ResultsProcess;
let made: CommandOutcome;
const list = (address: string, ...options: string[]) =>
  runCommand(["--server", address, ...options, "camera", "list"]);

beforeAll(async () => {
  made = await init();
  results = await ResultsProcess.start(server);
});
afterAll(async () => {
  await results?.stop();
  rmSync(directory, { recursive: true, force: true });
});

test("tls init makes a pair whose key only its owner reads, and replaces none unless told to", async () => {
  expect(made).toMatchObject({ code: 0, stderr: "" });
  expect(statSync(key).mode & 0o777).toBe(0o600);
  const before = readFileSync(certificate, "utf8");
  expect(await init()).toMatchObject({ code: 1, stderr: expect.stringContaining("--force") });
  expect(readFileSync(certificate, "utf8")).toBe(before);
  expect(await runCommand(["tls", "init", "a b"])).toMatchObject({ code: 2 });
});

test("a command calls a server of TLS, and says what is wrong when it is called in another way", async () => {
  const { address } = results;
  expect(await list(address, "--ca", certificate)).toMatchObject({ code: 0 });
  expect(await list(`https://${address}`, "--ca", certificate)).toMatchObject({ code: 0 });
  const wrong = async (outcome: Promise<CommandOutcome>) => {
    const { code, stderr } = await outcome;
    expect(code).toBe(1);
    return stderr;
  };
  expect(await wrong(list(address))).toContain(`speaks TLS: say --server https://${address}, and --ca FILE`);
  expect(await wrong(list(`https://${address}`))).toContain("is not trusted (self-signed certificate");
  expect(await wrong(list(address, "--ca", join(directory, "none")))).toContain("cannot be read (ENOENT)");
  const plain = results.nats.url.replace("nats://", "");
  expect(await wrong(list(`https://${plain}`))).toContain("does not speak TLS");
});

test("doctor asks a running system of TLS", async () => {
  const env = { ...server, SIGHTLINE_GRPC: results.address, SIGHTLINE_RESULTS_HTTP: results.http };
  const { stdout } = await runCommand(["doctor", "--json"], env);
  expect(JSON.parse(stdout).findings).toContainEqual(
    expect.objectContaining({ name: "disk of NATS", detail: expect.stringContaining("JetStream holds") }),
  );
});

test("clients on the server's own machine trust its own certificate, by a name that is in it", () => {
  expect(ownTls(server)).toEqual({
    env: { ...server, SIGHTLINE_TLS_CA_FILE: certificate },
    on: true,
    name: "127.0.0.1",
  });
  expect(ownTls({})).toEqual({ env: {}, on: false, name: "127.0.0.1" });
});
