import {
  createRegistry,
  HttpServer,
  isLoopback,
  type Lifecycle,
  type Logger,
  type Nats,
  natsReadiness,
  observeStreamFaults,
  type ReadinessCheck,
  ServerCertificate,
  splitAddress,
} from "@sightline/service";
import type { Registry } from "prom-client";
import { CallLimits } from "../access/call-limits.ts";
import { userOfRequest } from "../access/certificate-user.ts";
import type { ResultsConfig } from "../config.ts";
import { HttpApi } from "./http-api.ts";

/** What is served from the first moment on: health, metrics, and an API that says what is waited for. */
export interface HttpStart {
  prometheus: Registry;
  api: HttpApi;
  certificate: ServerCertificate | undefined;
  limits: CallLimits;
  /** Where it listens. */
  address: string;
  /** Tells `/readyz` what the start waits for; undefined: it is done. */
  waitsFor(what: string | undefined): void;
  /** NATS answers, or has for the first time. */
  reached(nats: Nats): void;
  /** From now on readiness also asks this: what is missing, or undefined. */
  requires(name: string, check: ReadinessCheck): void;
}

/** Listens before NATS is there, so that health and metrics can be read while it is waited for. Ends through `life`. */
export async function startHttp(
  config: ResultsConfig,
  version: string,
  log: Logger,
  life: Lifecycle,
): Promise<HttpStart> {
  const prometheus = createRegistry("results", version, config.traceEndpoint !== undefined);
  let nats: Nats | undefined;
  let starting: string | undefined = "NATS is waited for";
  const readiness: Record<string, ReadinessCheck> = {
    ...natsReadiness(() => nats),
    start: () => starting,
    detections: () => "the streams of detections and events are not being read yet",
  };
  const certificate = ServerCertificate.open(config, prometheus, log);
  if (certificate) life.add(certificate);
  const server = life.add(
    new HttpServer(prometheus, readiness, log, {
      certificate,
      trustedProxies: config.trustedProxies,
      ownMetrics: true,
    }),
  );
  const { consoleDirectory, maxSockets, maxSocketsPerUser } = config;
  const limits = new CallLimits(config, prometheus);
  const hosts = [splitAddress(config.http).host, ...config.httpHosts];
  const local = isLoopback(config.http);
  const api = new HttpApi(
    {
      ...{ version, hosts, consoleDirectory, maxSockets, maxSocketsPerUser, limits, local },
      certificateUser: userOfRequest,
    },
    log,
  );
  await api.register(server.app, prometheus);
  const address = await server.listen(config.http);
  observeStreamFaults(prometheus, () => nats?.watch.faults() ?? []);
  return {
    ...{ prometheus, api, certificate, limits, address },
    waitsFor: (what) => {
      starting = what;
    },
    reached: (connected) => {
      nats = connected;
    },
    requires: (name, check) => {
      readiness[name] = check;
    },
  };
}
