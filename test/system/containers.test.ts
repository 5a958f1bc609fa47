import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeServiceToken } from "@sightline/service";
import { freePort, NatsServer } from "@sightline/service/testing";
import { projectRoot } from "@sightline/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { EventSource } from "../../services/bridges/src/testing/event-source.ts";
import { Listener, Mosquitto } from "../../services/bridges/src/testing/mosquitto.ts";
import { Receiver } from "../../services/bridges/src/testing/receiver.ts";
import type { Json } from "./grpc.ts";
import { Program } from "./program.ts";

const file = (path: string) => readFileSync(join(projectRoot, path), "utf8");
const services = Object.entries<Json>(parse(file("docker-compose.yml"), { merge: true }).services);

/** Folders of a container that its service may write to, beside /tmp. */
function writable(service: Json): string[] {
  const volumes: (string | { target: string })[] = service.volumes ?? [];
  return volumes.flatMap((volume) => {
    if (typeof volume !== "string") return volume.target;
    const [, target, mode] = volume.split(":");
    return mode === "ro" ? [] : target!;
  });
}

test.each(services)(
  "the container of %s has no privileges, and writes to what it names only",
  (name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      tmpfs: ["/tmp"],
    });
    expect(service.privileged).toBeUndefined();
    if (name === "keys") {
      expect(service).toMatchObject({ network_mode: "none", cap_add: ["CHOWN", "DAC_OVERRIDE", "FOWNER"] });
      return;
    }
    expect(service.cap_add).toBeUndefined();
    expect(service.user).toMatch(/^[1-9]\d*:\d+$/);
  },
);

test.each(["service", "inference-gpu"])(
  "the image of %s.Dockerfile ends as a user that is not root",
  (name) => {
    const lines = file(`deploy/docker/${name}.Dockerfile`).split("\n");
    expect(lines.findLast((line) => line.startsWith("USER "))).toBe("USER 1000:1000");
    expect(lines.findLastIndex((line) => line.startsWith("RUN "))).toBeLessThan(
      lines.findLastIndex((line) => line.startsWith("USER ")),
    );
  },
);

/** Only root may make what stands in for a container: a view of the file system of one's own. */
const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)("as in a container, where all is read-only but what is named", () => {
  let nats: NatsServer;
  let directory: string;
  const programs: Program[] = [];
  beforeAll(async () => {
    nats = await NatsServer.start();
    directory = mkdtempSync("/var/tmp/sightline-containers-");
    chownSync(directory, 1000, 1000);
  });
  afterAll(async () => {
    for (const program of programs) await program.end("SIGKILL");
    await nats.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Runs a service as user 1000 without privileges; of all files it can write only those in the folders, and /tmp. */
  function run(service: string, folders: readonly string[], env: Record<string, string>): Program {
    for (const folder of folders) {
      mkdirSync(folder);
      chownSync(folder, 1000, 1000);
    }
    const script = [
      "set -e",
      "mount --make-rprivate /",
      ...folders.map((folder) => `mount --bind ${folder} ${folder}`),
      "mount -o remount,ro,bind /",
      "mount -o remount,ro,bind /dev/shm",
      // The project itself may lie in /tmp.
      `mount --bind ${projectRoot} /mnt`,
      "mount -o remount,ro,bind /mnt",
      "mount -t tmpfs tmpfs /tmp",
      ...(projectRoot.startsWith("/tmp/")
        ? [
            `mkdir -p ${projectRoot}`,
            `mount --bind /mnt ${projectRoot}`,
            `mount -o remount,ro,bind ${projectRoot}`,
          ]
        : []),
      `exec setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set -all --no-new-privs "$@"`,
    ].join("\n");
    const settings = Object.entries({ HOME: "/home/node", PATH: process.env.PATH!, ...env });
    const program = new Program("unshare", [
      ...["-m", "sh", "-c", script, "sh", "env", "-i"],
      ...settings.map(([name, value]) => `${name}=${value}`),
      ...[process.execPath, join(projectRoot, "services", service, "src/main.ts")],
    ]);
    programs.push(program);
    return program;
  }

  const folderOf: Record<string, string> = {
    SIGHTLINE_RECORDINGS_DIRECTORY: "recordings",
    SIGHTLINE_FRAME_MEMORY_DIR: "frames",
    TMPDIR: "uploads",
  };

  test.each(["results", "analysis", "ingest", "inference"])("%s starts and becomes ready", async (name) => {
    const [, composed] = services.find(([service]) => service === name)!;
    const named = Object.entries(folderOf).filter(([setting]) => composed.environment[setting]);
    expect(writable(composed).sort()).toEqual(
      named.map(([setting]) => composed.environment[setting] as string).sort(),
    );
    const own = named.map(([setting, folder]) => [setting, join(directory, `${name}-${folder}`)] as const);
    const http = `127.0.0.1:${await freePort()}`;
    const program = run(
      name,
      own.map(([, folder]) => folder),
      {
        SIGHTLINE_NATS_URL: nats.url,
        SIGHTLINE_GRPC: "127.0.0.1:0",
        [`SIGHTLINE_${name.toUpperCase()}_HTTP`]: http,
        ...Object.fromEntries(own),
      },
    );
    await untilReady(program, http);
    expectNoRefusal(program);
    expect(await program.end("SIGTERM")).toBe(0);
  });

  async function untilReady(program: Program, http: string): Promise<void> {
    const ready = () =>
      fetch(`http://${http}/readyz`)
        .then(({ status }) => status)
        .catch(() => program.errors.at(-1));
    await expect.poll(ready, { timeout: 120_000 }).toBe(200);
  }

  function expectNoRefusal({ lines, errors }: Program): void {
    expect([...lines, ...errors].filter((line) => /EROFS|EACCES|EPERM/.test(line))).toEqual([]);
  }

  test("bridges tell a broker and a webhook of events, of a results service that has users", async () => {
    const broker = await Mosquitto.start();
    const listener = await Listener.connect(broker.url);
    const hook = await Receiver.start();
    const events = await EventSource.connect(nats.url);
    try {
      const [tokenFile, passwordFile] = ["bridges.token", "admin-password"].map((name) =>
        join(directory, name),
      );
      writeServiceToken(tokenFile!, "bridges");
      writeFileSync(passwordFile!, "of the first admin\n", { mode: 0o600 });
      for (const path of [tokenFile!, passwordFile!]) chownSync(path, 1000, 1000);
      const local = async () => `127.0.0.1:${await freePort()}`;
      const [grpc, resultsHttp, bridgesHttp] = [await local(), await local(), await local()];
      const results = run("results", [], {
        SIGHTLINE_NATS_URL: nats.url,
        SIGHTLINE_GRPC: grpc,
        SIGHTLINE_RESULTS_HTTP: resultsHttp,
        SIGHTLINE_ADMIN_PASSWORD_FILE: passwordFile!,
        SIGHTLINE_BRIDGES_TOKEN_FILE: tokenFile!,
      });
      await untilReady(results, resultsHttp);
      expect((await fetch(`http://${resultsHttp}/api/v1/cameras`)).status).toBe(401);
      const secrets = [`whsec_${Buffer.alloc(24).toString("base64")}`];
      const bridges = run("bridges", [], {
        SIGHTLINE_GRPC_ADDRESS: grpc,
        SIGHTLINE_BRIDGES_HTTP: bridgesHttp,
        SIGHTLINE_BRIDGES_TOKEN_FILE: tokenFile!,
        SIGHTLINE_MQTT_URL: broker.url,
        SIGHTLINE_WEBHOOKS: JSON.stringify([{ name: "all", url: hook.url, secrets }]),
      });
      await untilReady(bridges, bridgesHttp);
      await events.publish(1);
      await expect.poll(() => listener.json("frigate/events").map(({ type }) => type)).toEqual(["new"]);
      await expect.poll(() => hook.numbers).toEqual([1]);
      for (const program of [bridges, results]) {
        expectNoRefusal(program);
        expect(await program.end("SIGTERM")).toBe(0);
      }
    } finally {
      await events.stop();
      await hook.stop();
      await listener.stop();
      await broker.stop();
    }
  });
});
