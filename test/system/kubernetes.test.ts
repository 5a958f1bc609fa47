import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readyConsumer, streams } from "@sightline/contracts";
import { settingNames } from "@sightline/service";
import { projectRoot } from "@sightline/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Json } from "./grpc.ts";
import { Chart, faultsOf } from "./kubernetes/chart.ts";

const file = (path: string) => readFileSync(join(projectRoot, path), "utf8");
const everything = {
  images: { registry: "registry.example.org/sightline", tag: "1.2.3" },
  bridges: { enabled: true, settings: { SIGHTLINE_MQTT_URL: "mqtt://broker:1883" } },
  serviceMonitors: { enabled: true },
  prometheusRules: { enabled: true },
  dashboards: { enabled: true },
  frameMemory: { share: "node" },
};
const edge = (name: string): Json => parse(file(`deploy/helm/${name}.yaml`));
const variants: Record<string, object> = {
  plain: { images: everything.images },
  everything,
  GPU: {
    ...everything,
    inference: { gpu: { enabled: true }, models: { existingClaim: "models" }, autoscaler: { enabled: true } },
    frameMemory: { share: "pod" },
  },
  "another NATS, TLS": {
    ...everything,
    nats: { enabled: false },
    natsConnection: {
      url: "tls://nats.messaging:4222",
      tls: { existingSecret: "nats-tls", clientCertificate: true },
    },
    results: { tls: { existingSecret: "results-tls" } },
    ingest: { recordings: { enabled: false } },
    frameMemory: { share: "node" },
  },
  "a centre": { images: everything.images, ...edge("centre") },
  "a site": { images: everything.images, ...edge("site") },
};
const ports = { results: 9100, analysis: 9104, ingest: 9101, inference: 9102, bridges: 9103 };
type Service = keyof typeof ports;

let chart: Chart;
const rendered: Record<string, Json[]> = {};
beforeAll(async () => {
  chart = await Chart.open();
  for (const [name, values] of Object.entries(variants)) rendered[name] = await chart.render(values);
});

afterAll(() => chart?.close());

const podsOf = (name: string) =>
  rendered[name]!.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet");
const podOf = (name: string, service: string): Json =>
  podsOf(name).find(({ metadata }) => metadata.name === `shop-sightline-${service}`)!.spec.template.spec;
const containersOf = (name: string): Json[] =>
  podsOf(name).flatMap(({ spec }) => spec.template.spec.containers);
const containerOf = (name: string, service: string): Json =>
  podOf(name, service).containers.find((each: Json) => each.name === service);
const environmentOf = ({ env }: Json): Record<string, string> =>
  Object.fromEntries(env.map(({ name, value }: Json) => [name, value]));

/** Where a setting's files lie; of directories of models the image has one itself. */
const placesIn = (key: string, value: string): string[] =>
  key === "SIGHTLINE_MODEL_DIR" ? value.split(":").filter((place) => place !== "models") : [value];

describe.each(Object.keys(variants))("the chart, %s", (name) => {
  test("is accepted by helm lint and by Kubernetes' schemas", async () => {
    expect(await chart.lint(variants[name]!)).toEqual([]);
    expect(
      rendered[name]!.flatMap((each) => faultsOf(each).map((fault) => `${each.kind}: ${fault}`)),
    ).toEqual([]);
  });

  test("has only settings that the services have, and files that are mounted", () => {
    for (const container of containersOf(name)) {
      const environment = environmentOf(container);
      // The last is Node's own.
      const known = [...Object.keys(settingNames), "TMPDIR"];
      expect(known).toEqual(expect.arrayContaining(Object.keys(environment)));
      const mounts: string[] = container.volumeMounts.map(({ mountPath }: Json) => mountPath);
      for (const [key, value] of Object.entries(environment))
        if (/_(FILE|DIR|DIRECTORY)$|^TMPDIR$/.test(key))
          for (const place of placesIn(key, value))
            expect(
              mounts.some((path) => place === path || place.startsWith(`${path}/`)),
              `${key} ${value}`,
            ).toBe(true);
    }
  });

  test("mounts only volumes that are there", () => {
    for (const { spec } of podsOf(name)) {
      const there = [
        ...spec.template.spec.volumes,
        ...(spec.volumeClaimTemplates ?? []).map((v: Json) => v.metadata),
      ];
      const names = there.map((volume: Json) => volume.name);
      expect(new Set(names).size).toBe(names.length);
      const used = spec.template.spec.containers.flatMap((each: Json) =>
        each.volumeMounts.map((m: Json) => m.name),
      );
      expect(new Set(used)).toEqual(new Set(names));
    }
  });

  test("asks each container at the port that it listens on", () => {
    const tls = name === "another NATS, TLS";
    for (const container of containersOf(name)) {
      const service = container.name as Service;
      const scheme = tls && service === "results" ? "HTTPS" : "HTTP";
      const at = (path: string) => ({ path, port: ports[service], scheme });
      expect(container.livenessProbe.httpGet).toEqual(at("/healthz"));
      expect(container.startupProbe.httpGet).toEqual(at("/healthz"));
      expect(container.readinessProbe.httpGet).toEqual(at("/readyz"));
      expect(environmentOf(container)[`SIGHTLINE_${service.toUpperCase()}_HTTP`]).toBe(
        `0.0.0.0:${ports[service]}`,
      );
      expect(container.ports.map(({ containerPort }: Json) => containerPort)).toContain(ports[service]);
    }
  });

  test("gives no container more than it needs", () => {
    for (const { spec } of podsOf(name)) {
      const pod = spec.template.spec;
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      });
      for (const { securityContext } of pod.containers)
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
    }
  });

  test("finds by its selectors the pods that it makes", () => {
    const labels: Json[] = podsOf(name).map(({ spec }) => spec.template.metadata.labels);
    for (const { kind, metadata, spec } of rendered[name]!) {
      const of: Json = {
        Service: spec?.selector,
        PodDisruptionBudget: spec?.selector?.matchLabels,
        NetworkPolicy: spec?.podSelector?.matchLabels,
      };
      // Pods of NATS's own chart.
      if (!of[kind] || of[kind]["app.kubernetes.io/name"] === "nats") continue;
      const found = labels.filter((each) =>
        Object.entries(of[kind]).every(([key, value]) => each[key] === value),
      );
      expect(found, `${kind} ${metadata.name}`).toHaveLength(1);
    }
  });
});

test.each(["results", "analysis", "ingest", "inference", "bridges"] as const)(
  "chart and docker compose set the same of %s",
  (service) => {
    const compose = parse(file("docker-compose.yml"), { merge: true }).services[service].environment;
    const composed = Object.keys(compose).filter(
      // Compose hands these on from its caller's environment; of the chart they are values.
      (key) => !String(compose[key]).startsWith("${"),
    );
    const charted = Object.keys(environmentOf(containerOf("everything", service)));
    const own = (key: string) =>
      // Where cameras are analysed, which compose hands on; a folder of another pod; a cluster's copies; the name that goes with a volume; sharing, which compose has; the model, which KEDA must know.
      [
        "SIGHTLINE_ANALYSIS",
        "SIGHTLINE_NATS_STORE_DIR",
        "SIGHTLINE_NATS_REPLICAS",
        "SIGHTLINE_INGEST_ID",
        "SIGHTLINE_FRAME_MEMORY_MIB",
        "SIGHTLINE_MODEL",
        "SIGHTLINE_LOG_LEVEL",
        "SIGHTLINE_MQTT_URL",
      ].includes(key);
    expect(charted.filter((key) => !own(key)).sort()).toEqual(composed.filter((key) => !own(key)).sort());
  },
);

test("a centre and a site are set up as by the files for docker compose, and keep what all installations have", () => {
  const compose = (name: string) => parse(file(`deploy/edge/${name}.yml`)).services;
  const environment = environmentOf(containerOf("a centre", "results"));
  const more = Object.keys(environment).filter(
    (key) => !(key in environmentOf(containerOf("plain", "results"))),
  );
  expect(more).toEqual(Object.keys(compose("centre").results.environment));
  expect(environmentOf(containerOf("a site", "results"))).toEqual(
    environmentOf(containerOf("plain", "results")),
  );
  // NATS's chart makes of these what deploy/edge/centre.conf and site.conf say.
  const [centre, site] = [edge("centre").nats.config, edge("site").nats];
  expect(centre.jetstream.merge).toEqual({ domain: "centre" });
  expect(centre.leafnodes).toMatchObject({ enabled: true, tls: { enabled: true } });
  expect(site.config.jetstream.merge).toEqual({ domain: "<< $SITE >>" });
  expect(file("deploy/edge/site.conf")).toContain("domain: $SITE");
  // Both charts may be installed by the same name, and NATS joins no two clusters of one name.
  expect(site.config.cluster.merge).toEqual({ name: "<< $SITE >>" });
  // Helm puts a list in the place of another.
  const { nats } = parse(file("deploy/helm/values.yaml"));
  for (const part of ["container", "podTemplate"])
    expect(site[part].patch).toEqual(expect.arrayContaining(nats[part].patch));

  const port = (name: string) =>
    rendered[name]!.filter(({ kind, metadata }) => kind === "Service" && metadata.name.endsWith("-sites"));
  expect(port("a centre")).toMatchObject([
    { spec: { type: "LoadBalancer", ports: [{ port: 7422, targetPort: 7422 }] } },
  ]);
  for (const name of ["plain", "a site"]) expect(port(name)).toEqual([]);
  const natsPolicy = (name: string): Json =>
    rendered[name]!.find(({ kind, metadata }) => kind === "NetworkPolicy" && metadata.name.endsWith("-nats"))!
      .spec;
  const ports = (rules: Json[]) => rules.flatMap((rule) => rule.ports.map((each: Json) => each.port));
  expect(ports(natsPolicy("a centre").ingress)).toContain(7422);
  expect(ports(natsPolicy("a site").egress)).toContain(7422);
  for (const way of ["ingress", "egress"]) expect(ports(natsPolicy("plain")[way])).not.toContain(7422);
});

test("KEDA asks for the consumer that workers share", async () => {
  const scaler = rendered.GPU!.find(({ kind }) => kind === "ScaledObject")!;
  const [{ metadata }] = scaler.spec.triggers;
  expect(metadata.stream).toBe(streams.ready);
  expect(metadata.consumer).toBe(readyConsumer("yolo-nas-pedestrians").durable_name);
  expect(metadata.natsServerMonitoringEndpoint).toBe("shop-nats-headless.video.svc.cluster.local:8222");
  expect(
    podsOf("GPU").find(({ metadata }) => metadata.name === scaler.spec.scaleTargetRef.name)!.spec.replicas,
  ).toBeUndefined();
});

test("a GPU worker asks for its GPU, on nodes that have one; ingest too, where it has one beside it", () => {
  const limits = (service: string, container: string) =>
    podOf("GPU", service).containers.find((each: Json) => each.name === container).resources.limits;
  for (const service of ["inference", "ingest"]) {
    expect(limits(service, "inference")["nvidia.com/gpu"]).toBe("1");
    expect(podOf("GPU", service).nodeSelector).toEqual({ "nvidia.com/gpu.present": "true" });
  }
  expect(containerOf("GPU", "inference").image).toBe("registry.example.org/sightline/inference-gpu:1.2.3");
  expect(podOf("everything", "inference").nodeSelector).toBeUndefined();
  expect(podOf("GPU", "ingest").volumes).toContainEqual({
    name: "frames",
    emptyDir: { medium: "Memory", sizeLimit: "1Gi" },
  });
});

test("Prometheus has the jobs of the alerts, all rules and all dashboards", () => {
  const jobs = rendered
    .everything!.filter(({ kind }) => kind === "ServiceMonitor")
    .map(({ spec }) => spec.endpoints[0].relabelings[0].replacement);
  const { scrape_configs: scraped } = parse(file("deploy/prometheus/prometheus.yml"));
  const known = scraped.map(({ job_name }: Json) => job_name);
  expect(known).toEqual(expect.arrayContaining(jobs));
  expect(jobs).toHaveLength(5);
  const rules = rendered.everything!.find(({ kind }) => kind === "PrometheusRule")!;
  const given = ["recording", "alert"].flatMap(
    (of) => parse(file(`deploy/prometheus/${of}-rules.yml`)).groups,
  );
  expect(rules.spec.groups).toEqual(given);
  const { data } = rendered.everything!.find(({ metadata }) => metadata.name.endsWith("-dashboards"))!;
  expect(data["sightline-fleet.json"]).toBe(file("deploy/grafana/dashboards/fleet.json"));
  expect(Object.keys(data)).toHaveLength(5);
});

test.each<[string, object, RegExp]>([
  ["no registry", {}, /images\.registry is empty: say where your images are/],
  ["no NATS", { nats: { enabled: false } }, /natsConnection\.url is empty: say which NATS/],
  ["more copies than servers", { natsConnection: { replicas: 5 } }, /replicas is 5 but NATS has 3 servers/],
  ["nothing to bridge to", { bridges: { enabled: true } }, /nothing to bridge to: set SIGHTLINE_MQTT_URL/],
  ["a name that is no value", { ingset: {} }, /additional properties 'ingset' not allowed/],
  ["a centre without its NATS", { sites: { existingSecret: "s" } }, /give helm deploy\/helm\/centre\.yaml/],
  ["a site without its NATS", { site: { enabled: true } }, /give helm deploy\/helm\/site\.yaml/],
  ["two copies", { natsConnection: { replicas: 2 } }, /\/natsConnection\/replicas.*1, 3, 5/],
])("helm refuses %s and says why", async (_, values, words) => {
  const images = /registry/.test(String(words)) ? {} : { images: everything.images };
  await expect(chart.render({ ...images, ...values })).rejects.toThrow(words);
});
