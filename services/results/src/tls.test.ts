import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { get, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type SecureVersion } from "node:tls";
import { connect } from "@sightline/client";
import { createLogger, Lifecycle, loadConfig, SettingError } from "@sightline/service";
import { type CertificatePair, makeSelfSigned } from "@sightline/service/self-signed";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { settings } from "./config.ts";
import { startResults } from "./results-service.ts";
import { RunningResults } from "./testing/running-results.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-tls-"));
const files = { cert: join(directory, "tls.crt"), key: join(directory, "tls.key") };
const env = { SIGHTLINE_TLS_CERT_FILE: files.cert, SIGHTLINE_TLS_KEY_FILE: files.key };
let first: CertificatePair;
let results: RunningResults;

/** As tools do that renew certificates: one file after the other, each moved into place. */
function replace(certificate: string, key: string): void {
  for (const [path, text] of [
    [files.cert, certificate],
    [files.key, key],
  ] as const) {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
}

beforeAll(async () => {
  first = await makeSelfSigned(["sightline.lan"]);
  replace(first.certificate, first.key);
  for (const name of ["carol", "mallory"])
    execFileSync(
      "openssl",
      [
        ...[
          "req",
          "-x509",
          "-nodes",
          "-subj",
          `/CN=${name}`,
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:P-256",
        ],
        ...["-keyout", `${name}.key`, "-out", `${name}.crt`],
      ],
      { cwd: directory, stdio: "ignore" },
    );
  const authority = { SIGHTLINE_TLS_CLIENT_CA_FILE: join(directory, "carol.crt") };
  results = await RunningResults.start({ ...env, ...authority }, { tls: { ca: first.certificate } });
});
afterAll(async () => {
  await results?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const fingerprintOf = (pem: string) => new X509Certificate(pem).fingerprint256;

/** What a TLS client sees of a port: the certificate, and the version that was agreed on. */
async function shown(
  address: string,
  version?: SecureVersion,
): Promise<{ fingerprint: string; protocol: string }> {
  const socket = connectTls({
    host: "127.0.0.1",
    port: Number(address.split(":").at(-1)),
    rejectUnauthorized: false,
    ALPNProtocols: address === results.addresses.grpc ? ["h2"] : ["http/1.1"],
    // OpenSSL itself offers no version before 1.2 at its usual level.
    ...(version && { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" }),
  });
  try {
    await once(socket, "secureConnect");
    return {
      fingerprint: socket.getPeerX509Certificate()!.fingerprint256,
      protocol: String(socket.getProtocol()),
    };
  } finally {
    socket.destroy();
  }
}

async function ask(path: string, ca = first.certificate, host?: string) {
  const sent = get(`https://${results.addresses.http}${path}`, {
    ca,
    agent: false,
    ...(host && { headers: { host } }),
  });
  const [answer] = await once(sent, "response");
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: (await Array.fromAsync(answer)).join(""),
  };
}

async function metric(name: string, ca?: string): Promise<number> {
  const line = (await ask("/metrics", ca)).text.split("\n").find((text) => text.startsWith(`${name} `));
  return Number(line?.split(" ").at(-1));
}

test("gRPC, HTTP and the live WebSocket speak TLS, 1.2 and 1.3, with a certificate that its maker vouches for", async () => {
  expect(await Array.fromAsync(results.client.cameras.list())).toEqual([]);
  expect((await ask("/readyz")).status).toBe(200);
  const socket = new WebSocket(`wss://${results.addresses.http}/api/v1/live`, { ca: first.certificate });
  await once(socket, "open");
  socket.terminate();
  for (const address of Object.values(results.addresses))
    for (const version of ["TLSv1.2", "TLSv1.3"] as const)
      expect(await shown(address, version)).toEqual({
        fingerprint: fingerprintOf(first.certificate),
        protocol: version,
      });
});

test("browsers are told to stay with TLS where they call by a name of this server's own", async () => {
  expect((await ask("/", undefined, "127.0.0.1")).headers).toHaveProperty("strict-transport-security");
  expect((await ask("/", undefined, "localhost")).headers).not.toHaveProperty("strict-transport-security");
});

test("a client of TLS 1.1 and one without TLS are refused, and told why", async () => {
  for (const address of Object.values(results.addresses))
    await expect(shown(address, "TLSv1.1"), address).rejects.toThrow(/protocol version/);
  const plain = await fetch(`http://${results.addresses.http}/readyz`);
  expect(plain.status).toBe(400);
  expect(await plain.text()).toContain("https://");
  const client = connect(results.addresses.grpc);
  await expect(client.cameras.get("front")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  client.close();
  const stranger = connect(`https://${results.addresses.grpc}`);
  await expect(stranger.cameras.get("front")).rejects.toThrow(/self-signed certificate/);
  stranger.close();
});

test("a certificate that replaces another is shown without a restart, and one that is broken never", async () => {
  await results.register("front");
  const subscription = results.client.cameras.watch();
  expect((await subscription.next()).done).toBe(false);
  const expired = await makeSelfSigned(["sightline.lan"], -1 / 48);
  const other = await makeSelfSigned(["sightline.lan"]);
  for (const [certificate, key] of [
    ["no certificate", first.key],
    [other.certificate, first.key],
    [expired.certificate, expired.key],
  ] as const) {
    replace(certificate, key);
    await vi.waitFor(
      async () => expect(await metric("sightline_tls_certificate_reload_failed")).toBe(1),
      30_000,
    );
    for (const address of Object.values(results.addresses))
      expect((await shown(address)).fingerprint).toBe(fingerprintOf(first.certificate));
    replace(first.certificate, first.key);
    await vi.waitFor(
      async () => expect(await metric("sightline_tls_certificate_reload_failed")).toBe(0),
      30_000,
    );
  }
  const second = await makeSelfSigned(["sightline.lan"], 5);
  replace(second.certificate, second.key);
  for (const address of Object.values(results.addresses))
    await vi.waitFor(
      async () => expect((await shown(address)).fingerprint).toBe(fingerprintOf(second.certificate)),
      30_000,
    );
  expect(await metric("sightline_tls_certificate_expiry_timestamp_seconds", second.certificate)).toBe(
    new X509Certificate(second.certificate).validToDate.getTime() / 1000,
  );
  // What is open goes on.
  await results.register("back");
  expect((await subscription.next()).done).toBe(false);
  await subscription.return(undefined);
});

test("a client's certificate that the authority vouches for names its user", async () => {
  const own = (name: string) => ({
    ca: readFileSync(files.cert),
    cert: readFileSync(join(directory, `${name}.crt`)),
    key: readFileSync(join(directory, `${name}.key`)),
  });
  const auth = async (name?: string) => {
    const tls = name === undefined ? { ca: readFileSync(files.cert) } : own(name);
    const sent = get(`https://${results.addresses.http}/api/v1/auth`, { ...tls, agent: false });
    const [answer] = await once(sent, "response");
    return JSON.parse((await Array.fromAsync(answer)).join(""));
  };
  const operator = { name: "carol", role: "operator", cameras: ["front"] };
  const post = async (path: string, body: unknown, cookie = "") => {
    const sent = request(`https://${results.addresses.http}/api/v1${path}`, {
      ca: readFileSync(files.cert),
      agent: false,
      method: "POST",
      headers: { "content-type": "application/json", cookie },
    });
    sent.end(JSON.stringify(body));
    const [answer] = await once(sent, "response");
    const text = (await Array.fromAsync(answer)).join("");
    expect(answer.statusCode, text).toBeLessThan(300);
    return String(answer.headers["set-cookie"]).split(";")[0];
  };
  const password = "correct horse battery";
  await post("/users", { name: "admin", role: "admin", password });
  const cookie = await post("/auth/login", { user: "admin", password });
  expect(cookie).toMatch(/^__Host-sightline_session=/);
  await post("/users", operator, cookie);
  expect(await auth("carol")).toMatchObject({ user: operator });
  expect((await auth("mallory")).user).toBeUndefined();
  expect((await auth()).user).toBeUndefined();
  const call = async (name: string) => {
    const client = connect(results.addresses.grpc, { tls: own(name) });
    try {
      return (await Array.fromAsync(client.cameras.list())).map((camera) => camera.name);
    } finally {
      client.close();
    }
  };
  expect(await call("carol")).toEqual(["cameras/front"]);
  await expect(call("mallory")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

test("a certificate that cannot be used at start is an error that names the setting and the file", async () => {
  const start = (more: NodeJS.ProcessEnv) =>
    startResults(loadConfig(settings, more), createLogger("test", "fatal"), new Lifecycle());
  const missing = start({ ...env, SIGHTLINE_TLS_CERT_FILE: join(directory, "none") });
  await expect(missing).rejects.toThrow(
    /SIGHTLINE_TLS_CERT_FILE = .*none: the file cannot be read \(ENOENT\)/,
  );
  await expect(missing).rejects.toBeInstanceOf(SettingError);
  await expect(start({ SIGHTLINE_TLS_CERT_FILE: files.cert })).rejects.toThrow(/must both be set/);
  await expect(start({ SIGHTLINE_TLS_CLIENT_CA_FILE: files.cert })).rejects.toThrow(/needs TLS/);
  const stray = join(directory, "stray.key");
  writeFileSync(stray, (await makeSelfSigned([])).key);
  await expect(start({ ...env, SIGHTLINE_TLS_KEY_FILE: stray })).rejects.toThrow(
    /SIGHTLINE_TLS_KEY_FILE = .*stray.key: the key does not belong to the certificate/,
  );
});
