import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect } from "@nats-io/transport-node";
import { freePort, NatsServer } from "@sightline/service/testing";
import { projectRoot } from "@sightline/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { Receiver } from "../../services/bridges/src/testing/receiver.ts";
import type { Json } from "./grpc.ts";
import { dashboards, misplaced, queriesOf, variablesIn } from "./monitoring/dashboards.ts";
import { PrometheusServer } from "./monitoring/prometheus-server.ts";
import {
  alertRules,
  casesOf,
  metricsIn,
  type PrometheusConfig,
  promtool,
  read,
  recordingRules,
  unitTestFiles,
} from "./monitoring/rule-files.ts";
import { System } from "./system.ts";

// Grafana shows a unit it does not know as a word behind the number, without a complaint.
const units = ["none", "short", "percentunit", "s", "bytes", "suffix: fps"];

const file = (path: string) => readFileSync(join(projectRoot, path), "utf8");
const compose = () => parse(file("docker-compose.yml"), { merge: true });

describe("the rules", () => {
  test("promtool accepts both configurations and the rules", async () => {
    await promtool("check", "config", "prometheus.yml");
    // Its token is a file of the container.
    await promtool("check", "config", "--syntax-only", "prometheus.compose.yml");
    await promtool("check", "rules", "recording-rules.yml", "alert-rules.yml");
  });

  test("their unit tests pass", () => promtool("test", "rules", ...unitTestFiles()), 300_000);

  test.each(alertRules())("$alert says what to do, and is tested", ({ alert, labels, annotations }) => {
    expect(labels.severity).toMatch(/^(critical|warning)$/);
    expect(Object.keys(annotations).sort()).toEqual(["description", "runbook", "summary"]);
    expect(annotations.runbook).toBe(`docs/monitoring.md#${alert.toLowerCase()}`);
    expect(file("docs/monitoring.md")).toMatch(new RegExp(`^### ${alert}$`, "m"));
    const { firing, silent } = casesOf(alert);
    expect(firing).toBeGreaterThan(0);
    expect(silent).toBeGreaterThan(0);
  });

  test("the configuration for docker compose has the same jobs, at addresses that are there", () => {
    const [local, composed] = ["prometheus.yml", "prometheus.compose.yml"].map((f) =>
      read<PrometheusConfig>(f),
    );
    expect(composed!.rule_files).toEqual(local!.rule_files);
    expect(composed!.global).toEqual(local!.global);
    const jobs = (config: PrometheusConfig) => config.scrape_configs.map(({ job_name }) => job_name);
    expect(jobs(composed!)).toEqual(jobs(local!));
    const { services } = compose();
    for (const job of composed!.scrape_configs) {
      const service = job.job_name.replace("sightline-", "");
      const port = services[service].environment[`SIGHTLINE_${service.toUpperCase()}_HTTP`].split(":")[1];
      if (job.static_configs) expect(job.static_configs).toEqual([{ targets: [`${service}:${port}`] }]);
      else {
        expect(job.dns_sd_configs).toMatchObject([{ port: Number(port) }]);
        const [found] = job.dns_sd_configs as { names: string[] }[];
        // These run only where they are asked for: their name may stand for nothing.
        if (["bridges", "analysis"].includes(service))
          expect([services[service].profiles, found!.names]).toEqual([[service], [service]]);
        else
          for (const workers of [service, `${service}-gpu`])
            expect(services[workers].networks.default.aliases).toEqual(found!.names);
      }
    }
  });
});

test("docker compose gives each service its own key, made before NATS starts, by a program that is in the image", () => {
  const { services, volumes } = compose();
  const { command, volumes: made, build } = services.keys;
  expect(services.nats.depends_on.keys).toEqual({ condition: "service_completed_successfully" });
  expect(file(build.dockerfile)).toContain(` deploy/docker/${command.split(" ")[1]} `);
  const folder = (name: string) => made.find((each: string) => each.startsWith(`${name}:`))?.split(":")[1];
  expect(folder("nats-authorization")).toBe("/keys/server");
  expect(services.nats.volumes).toContain("nats-authorization:/etc/nats/authorization:ro");
  for (const [service, identity] of [
    ["results", "results"],
    ["analysis", "analysis"],
    ["ingest", "ingest"],
    ["inference", "inference"],
    ["inference-gpu", "inference"],
  ] as const) {
    const mounted = services[service].volumes.filter((each: unknown) => /^(nats-)?keys/.test(String(each)));
    expect(mounted).toEqual([`keys-${identity}:/run/keys:ro`]);
    expect(services[service].environment.SIGHTLINE_NATS_NKEY_FILE).toBe("/run/keys/nats.nk");
    expect(command.split(" ")).toContain(folder(`keys-${identity}`));
    expect(Object.keys(volumes)).toContain(`keys-${identity}`);
  }
  expect(services.inference.environment.SIGHTLINE_SECRETS_KEY_FILE).toBeUndefined();
});

test("the health check of docker compose's NATS makes it read anew who may connect, and fails where NATS is not ready", async () => {
  const { healthcheck, tmpfs, read_only } = compose().services.nats;
  const [how, command] = healthcheck.test as [string, string];
  expect({ how, read_only, tmpfs }).toEqual({ how: "CMD-SHELL", read_only: true, tmpfs: ["/tmp"] });
  const users = (...names: string[]) =>
    `authorization { users: [${names.map((user) => `{ user: ${user}, password: secret }`).join(", ")}] }`;
  const port = await freePort();
  let file = "";
  const server = await NatsServer.start((directory) => {
    file = join(directory, "authorization.conf");
    writeFileSync(file, users("old"));
    return `http: "127.0.0.1:${port}"\ninclude "authorization.conf"`;
  });
  // Here the server has another place, and is not PID 1.
  const here = [
    ["/etc/nats/authorization/authorization.conf", file],
    ["/tmp/authorization-read", join(server.directory, "authorization-read")],
    ["kill -HUP 1;", `kill -HUP ${server.pid};`],
    ["127.0.0.1:8222", `127.0.0.1:${port}`],
    [
      "wget -q -O-",
      `${process.execPath} -e 'fetch(process.argv[1]).then((r) => process.exit(r.ok ? 0 : 1))'`,
    ],
  ] as const;
  expect(here.filter(([there]) => !command.includes(there))).toEqual([]);
  const text = here.reduce((changed, [there, it]) => changed.replaceAll(there, it), command);
  const check = () => promisify(execFile)("sh", ["-c", text]);
  const connects = (user: string) =>
    connect({ servers: server.url, user, pass: "secret", reconnect: false }).then(
      (connection) => connection.close().then(() => true),
      () => false,
    );
  try {
    await check();
    await check();
    expect([await connects("old"), await connects("new")]).toEqual([true, false]);
    writeFileSync(file, users("old", "new"));
    await check();
    await expect.poll(() => connects("new")).toBe(true);
    expect(await connects("old")).toBe(true);
    await server.down();
    await expect(check()).rejects.toThrow();
  } finally {
    await server.stop();
  }
});

test("docker compose runs images of one version each, and asks our services whether they are ready", () => {
  const services = Object.entries<Json>(compose().services);
  for (const [, { image }] of services) if (image) expect(image).toMatch(/:v?\d+\.\d+\.\d+(-alpine)?$/);
  for (const [name, { build, environment, healthcheck, restart }] of services) {
    // What runs to its end before the others has no health.
    if (!build || restart === "no") continue;
    const [, port] = Object.entries<string>(environment)
      .find(([key]) => key.endsWith("_HTTP"))![1]
      .split(":");
    expect(healthcheck.test, name).toEqual(["CMD", "node", "healthcheck.mjs", port]);
    const dockerfile = file(build.dockerfile);
    expect(dockerfile, name).toMatch(/^COPY .*\bdeploy\/docker\/healthcheck\.mjs .*\.\/$/m);
    expect(dockerfile, name).toMatch(/^USER 1000:1000$/m);
    for (const [, tag] of dockerfile.matchAll(/(?:FROM |=|--from=)[a-z./]+:(\S+)/g))
      expect(tag, name).toMatch(/^\d+\.\d+/);
  }
});

describe("the dashboards", () => {
  test("have uids and titles of their own and one schema", () => {
    const all = dashboards().map(({ dashboard }) => dashboard);
    expect(all.map(({ uid }) => uid).sort()).toEqual(
      ["bridges", "camera", "fleet", "inference", "nats"].map((name) => `sightline-${name}`),
    );
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
    expect(new Set(all.map(({ schemaVersion }) => schemaVersion))).toEqual(new Set([42]));
  });

  test("docker compose hands Grafana its provisioning, the dashboards and a Prometheus to ask", () => {
    const { grafana, prometheus } = compose().services;
    const [source] = parse(file("deploy/grafana/provisioning/datasources/prometheus.yml")).datasources;
    const [provider] = parse(file("deploy/grafana/provisioning/dashboards/sightline.yml")).providers;
    const { path } = provider.options;
    expect(source.url).toBe("http://prometheus:9090");
    expect(grafana.volumes).toContain("./deploy/grafana/provisioning:/etc/grafana/provisioning:ro");
    expect(grafana.volumes).toContain(`./deploy/grafana/dashboards:${path}:ro`);
    expect(grafana.environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(join(path, "fleet.json"));
    expect(prometheus.volumes).toContain("./deploy/prometheus:/etc/prometheus:ro");
    expect(prometheus.command).toContain("--config.file=/etc/prometheus/prometheus.compose.yml");
    for (const { ports, image } of [grafana, prometheus]) {
      expect(ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
      expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
    }
  });

  test.each(dashboards())("$file is well formed", ({ text, dashboard }) => {
    const { panels, templating } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(misplaced(panels)).toEqual([]);
    for (const { title, description, targets = [], datasource, type, fieldConfig } of panels) {
      expect(description, title).toMatch(/\w{3}/);
      expect(variablesIn(datasource?.uid ?? ""), title).toEqual(["datasource"]);
      expect(targets.length, title).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
      for (const { expr, datasource: own } of targets) {
        expect(expr, title).toMatch(/\w/);
        expect(own?.uid, title).toBe(datasource?.uid);
      }
      if (type !== "table" && type !== "state-timeline")
        expect(units, title).toContain(fieldConfig.defaults.unit);
    }
    const defined = templating.list.map(({ name }) => name);
    expect(variablesIn(text).filter((name) => !defined.includes(name))).toEqual([]);
    // A shared panel lives in Grafana's database, and an address outside cannot be reached by everyone.
    expect(text).not.toContain("libraryPanel");
    expect(text).not.toMatch(/https?:/);
  });
});

describe("in a running system", () => {
  let system: System;
  let receiver: Receiver;
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    system = await System.start();
    receiver = await Receiver.start();
    const bridges = await freePort();
    prometheus = await PrometheusServer.start({ ...system.ports, analysis: undefined, bridges });
    await startBridges(bridges);
    // A rate is of what changes between two looks: so one is had before there is anything to deliver.
    await system.until(() => prometheus.hasValue("sightline_bridge_connected == 1"));
    const cameras = await system.cameras(1);
    await system.register("front", { uri: cameras.url("camera-1"), targetFps: 5 });
    await system.register("gone", { uri: "rtsp://127.0.0.1:1/nothing-listens-here" });
    await system.client.call("RulesService/UpdateCameraRules", {
      rules: { name: "cameras/front/rules", rules: [{ type: "EVENT_TYPE_APPEARED" }] },
    });
    // The drift watch: the same version of the model in float.
    await system.client.call("ModelService/StartModelShadow", {
      ...{ camera: "cameras/front", model: "models/yolo-nas-pedestrians", precision: "fp32", share: 1 },
    });
    await system.frames("front", 5);
  });

  afterAll(async () => {
    await prometheus?.stop();
    await system?.stop();
    await receiver?.stop();
  });

  /** Runs bridges that post all events to the receiver. */
  async function startBridges(port: number): Promise<void> {
    const secrets = [`whsec_${Buffer.alloc(24).toString("base64")}`];
    await system.stack.startService("bridges", {
      SIGHTLINE_GRPC_ADDRESS: `127.0.0.1:${system.ports.grpc}`,
      SIGHTLINE_BRIDGES_HTTP: `127.0.0.1:${port}`,
      SIGHTLINE_WEBHOOKS: JSON.stringify([{ name: "all", url: receiver.url, secrets }]),
    });
  }

  /** Waits until every expression has a value; what has none is the error. */
  async function expectValues(expressions: readonly { where: string; expr: string }[]): Promise<void> {
    const empty = async () => {
      const found = await Promise.all(expressions.map(({ expr }) => prometheus.hasValue(expr)));
      return expressions.filter((_, i) => !found[i]);
    };
    await expect.poll(empty, { interval: 500, timeout: 60_000 }).toEqual([]);
  }

  test("every recording rule records", () =>
    expectValues(recordingRules().map(({ record }) => ({ where: record, expr: record }))));

  test.each(dashboards())("every query of $file has a value", ({ dashboard }) =>
    expectValues(queriesOf(dashboard, { camera: "front" })),
  );

  test("the choice of a camera offers the cameras", async () => {
    const variables = dashboards().flatMap(({ dashboard }) => dashboard.templating.list);
    const queries = variables.filter(({ type }) => type === "query").map(({ query }) => query);
    expect(queries).toHaveLength(1);
    for (const query of queries) {
      const text = typeof query === "string" ? query : query.query;
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(text)!;
      await expect.poll(() => prometheus.labelValues(metric!, label!)).toEqual(["front", "gone"]);
    }
  });

  test("every metric that a rule or a panel names is one that a service has", async () => {
    const expressions = [
      ...recordingRules(),
      ...alertRules(),
      ...dashboards().flatMap(({ dashboard }) => queriesOf(dashboard, { camera: "front" })),
    ];
    const named = new Set(expressions.flatMap(({ expr }) => metricsIn(expr)));
    const unknown = async () => {
      const declared = await prometheus.declaredMetrics();
      return [...named].filter((metric) => !declared.includes(metric));
    };
    await expect.poll(unknown).toEqual([]);
  });

  test("every rule evaluates; the camera that is gone alerts, and nothing that is there does", async () => {
    const unwell = async () => {
      const rules = await prometheus.rules();
      expect(rules).toHaveLength(recordingRules().length + alertRules().length);
      return rules.flatMap(({ name, health, lastError }) =>
        health === "ok" ? [] : { name, health, lastError },
      );
    };
    await expect.poll(unwell).toEqual([]);
    const states = async () =>
      new Map((await prometheus.rules()).map(({ name, state, alerts }) => [name, { state, alerts }]));
    await expect
      .poll(async () =>
        (await states()).get("SightlineCameraDown")?.alerts?.map(({ labels }) => labels.camera),
      )
      .toEqual(["gone"]);
    const healthy = [
      "ModelWithoutWorker",
      "MixedExecutionProviders",
      "StreamNearLimit",
      "NatsDown",
      "TargetDown",
      "BridgesGone",
      "BridgeDisconnected",
      "BridgeFailing",
      "BridgeDeadLetters",
    ];
    for (const alert of [...healthy, "ServiceMissing"])
      await expect
        .poll(async () => (await states()).get(`Sightline${alert}`)?.state, { message: alert })
        .toBe("inactive");
  });
});
