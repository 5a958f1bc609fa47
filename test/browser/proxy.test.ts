import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type SightlineClient } from "@sightline/client";
import { EventType } from "@sightline/contracts";
import { makeSelfSigned } from "@sightline/service/self-signed";
import { freePort } from "@sightline/service/testing";
import { ManagedProcess, projectRoot } from "@sightline/stack";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { livePicture, untilDrawn } from "./canvas-shot.ts";
import { ConsoleSystem, patience } from "./console-system.ts";

/** As the files in deploy/proxy have it. */
const name = "sightline.example.org";
const password = "of the proxies' test";
let sightline: ConsoleSystem;
let token: string;

beforeAll(async () => {
  sightline = await ConsoleSystem.start([], {
    SIGHTLINE_TRUSTED_PROXIES: "127.0.0.1,::1",
    SIGHTLINE_HTTP_HOSTS: "localhost",
    SIGHTLINE_RECORDING: "continuous",
  });
  const { system } = sightline;
  const cameras = await system.cameras(1);
  const client = connect(`127.0.0.1:${system.ports.grpc}`);
  try {
    await client.cameras.register("gate", { uri: cameras.url("camera-1"), targetFps: 3 });
    await client.rules.update("gate", { rules: [{ type: EventType.APPEARED }] });
    await client.access.createUser("root", { role: "admin", password });
    token = (await client.access.logIn("root", password)).secret;
  } finally {
    client.close();
  }
});
afterEach(async () => {
  sightline.expectClean();
  await sightline.closePages();
});
afterAll(() => sightline?.stop());

interface Proxy {
  /** Where it serves. */
  port: number;
  /** Certificate that its own is checked with. */
  ca(): Buffer;
  process: ManagedProcess;
}

/** A file of deploy/proxy with the name and addresses of this machine. */
function configOf(file: string, replacements: readonly (readonly [from: string, to: string])[]): string {
  const { grpc, results } = sightline.system.ports;
  const here = [
    ["127.0.0.1:50051", `127.0.0.1:${grpc}`],
    ["127.0.0.1:9100", `127.0.0.1:${results}`],
  ] as const;
  let text = readFileSync(join(projectRoot, "deploy/proxy", file), "utf8");
  for (const [from, to] of [...here, ...replacements]) {
    expect(text, file).toContain(from);
    text = text.replaceAll(from, to);
  }
  return text;
}

async function startNginx(): Promise<Proxy & { plainPort: number }> {
  const directory = join(sightline.system.directory, "nginx");
  mkdirSync(directory);
  const [port, plainPort] = [await freePort(), await freePort()];
  const { certificate, key } = await makeSelfSigned(["localhost"]);
  writeFileSync(join(directory, "tls.crt"), certificate);
  writeFileSync(join(directory, "tls.key"), key, { mode: 0o600 });
  const site = configOf("nginx.conf", [
    [name, "localhost"],
    ["/etc/sightline/", `${directory}/`],
    ["listen 443 ssl", `listen 127.0.0.1:${port} ssl`],
    ["listen 80;", `listen 127.0.0.1:${plainPort};`],
  ]);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${directory}/${kind};`,
  );
  const config = join(directory, "main.conf");
  writeFileSync(
    config,
    `daemon off; pid ${directory}/pid; error_log stderr; events {} http { access_log off; ${paths.join(" ")}\n${site} }`,
  );
  const process = await ManagedProcess.start({
    name: "nginx",
    command: "nginx",
    args: ["-c", config],
    env: { PATH: `${globalThis.process.env.PATH}:/usr/sbin` },
    logFile: join(directory, "log"),
  });
  return { port, plainPort, ca: () => Buffer.from(certificate), process };
}

async function startCaddy(): Promise<Proxy> {
  const directory = join(sightline.system.directory, "caddy");
  mkdirSync(directory);
  const [port, plainPort] = [await freePort(), await freePort()];
  const site = configOf("Caddyfile", [[`${name} {`, "localhost {\n\ttls internal"]]);
  const config = join(directory, "Caddyfile");
  // Its authority is not to be trusted by this machine, and its administration not to be at the usual port.
  writeFileSync(
    config,
    `{\nadmin off\nskip_install_trust\nhttp_port ${plainPort}\nhttps_port ${port}\n}\n${site}`,
  );
  const process = await ManagedProcess.start({
    name: "caddy",
    command: "caddy",
    args: ["run", "--adapter", "caddyfile", "--config", config],
    env: { XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory, HOME: directory },
    logFile: join(directory, "log"),
  });
  const root = join(directory, "caddy/pki/authorities/local/root.crt");
  return { port, ca: () => readFileSync(root), process };
}

describe.each([
  ["nginx", startNginx],
  ["Caddy, with its own authority", startCaddy],
])("behind %s", (_, start) => {
  let proxy: Proxy;
  let origin: string;
  let client: SightlineClient;

  beforeAll(async () => {
    proxy = await start();
    origin = `https://localhost:${proxy.port}`;
    await vi.waitFor(async () => {
      if (!proxy.process.running) throw await proxy.process.failure();
      client?.close();
      client = connect(origin, { token, tls: { ca: proxy.ca() } });
      await client.cameras.get("gate");
    }, 30_000);
  });
  afterAll(async () => {
    client?.close();
    await proxy?.process.stop();
  });

  test("programs list and subscribe over gRPC under the proxy's name, and need a token", async () => {
    const cameras = await Array.fromAsync(client.cameras.list());
    expect(cameras.map((camera) => camera.name)).toEqual(["cameras/gate"]);
    for await (const message of client.detections.subscribe({ includeEmpty: true }))
      if (message.kind === "frame") break;
    const stranger = connect(origin, { tls: { ca: proxy.ca() } });
    try {
      await expect(stranger.cameras.get("gate")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    } finally {
      stranger.close();
    }
  });

  test("a browser logs in, sees live pictures, live video and a clip, and is logged out", async () => {
    const { page } = await sightline.open("/", { ignoreHTTPSErrors: true }, [], origin);
    await page.getByLabel("User").fill("root");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await untilDrawn(livePicture(page, "gate"));
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: "__Host-sightline_session", secure: true, httpOnly: true });

    await page.getByRole("link", { name: "gate", exact: true }).click();
    await expect.poll(() => livePicture(page).getAttribute("data-kind"), patience).toBe("video");
    await untilDrawn(livePicture(page));

    const withClip = async () => {
      for await (const event of client.events.list({ filter: { cameras: ["gate"] } }))
        if (event.hasClip) return event.name.split("/").at(-1);
      return undefined;
    };
    await expect.poll(withClip, patience).toBeDefined();
    await page.goto(`${origin}/cameras/gate/events/${await withClip()}`);
    await page.getByRole("dialog").getByRole("button", { name: "Play the clip" }).click();
    const width = ({ videoWidth }: { videoWidth: number }) => videoWidth;
    await expect.poll(() => page.getByRole("dialog").locator("video").evaluate(width), patience).toBe(768);

    await page.goto(`${origin}/`);
    await page.getByRole("button", { name: "root", exact: true }).click();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "Log in", exact: true }).waitFor();
  });

  test("a request from a page of another origin is refused", async () => {
    // As a browser would send it from there; a page cannot set this header by itself.
    const foreign = await sightline.blank({ ignoreHTTPSErrors: true });
    const answer = await foreign.page.request.post(`${origin}/api/v1/auth/login`, {
      headers: { origin: "https://elsewhere.example" },
      data: { name: "root", password },
    });
    expect(answer.status()).toBe(403);
  });
});
