import { TLSSocket } from "node:tls";
import {
  isLoopback,
  type Lifecycle,
  type Logger,
  ServerCertificate,
  ServiceStart,
  splitAddress,
} from "@sightline/service";
import type { FastifyRequest } from "fastify";
import { userOfCertificate } from "../access/authenticate.ts";
import { CallLimits } from "../access/call-limits.ts";
import type { ResultsConfig } from "../config.ts";
import { HttpApi } from "./http-api.ts";

/** What is served from the first moment: health, metrics, and an API that says what the service is waiting for. */
export interface HttpStart {
  start: ServiceStart;
  api: HttpApi;
  certificate: ServerCertificate | undefined;
  limits: CallLimits;
  /** The bound address. */
  address: string;
}

/** Listens before NATS is available, so that health and metrics can be read meanwhile. Ends through `life`. */
export async function startHttp(
  config: ResultsConfig,
  version: string,
  log: Logger,
  life: Lifecycle,
): Promise<HttpStart> {
  const exemplars = config.traceEndpoint !== undefined;
  const start = new ServiceStart({ service: "results", version, exemplars }, log, life);
  start.requires("detections", () => "the streams of detections and events are not being read yet");
  const certificate = ServerCertificate.open(config, start.registry, log);
  if (certificate) life.add(certificate);
  const { consoleDirectory, maxSockets, maxSocketsPerUser, trustedProxies } = config;
  const limits = new CallLimits(config, start.registry);
  const hosts = [splitAddress(config.http).host, ...config.httpHosts];
  const local = isLoopback(config.http);
  const api = new HttpApi(
    {
      ...{ version, hosts, consoleDirectory, maxSockets, maxSocketsPerUser, limits, local },
      certificateUser: userOfRequest,
    },
    log,
  );
  const address = await start.listen(config.http, (app) => api.register(app, start.registry), {
    ...{ certificate, trustedProxies, ownMetrics: true },
  });
  return { start, api, certificate, limits, address };
}

/** The user that the client's certificate names; undefined without a certificate that the authority has signed. */
function userOfRequest({ raw: { socket } }: FastifyRequest): string | undefined {
  return socket instanceof TLSSocket && socket.authorized
    ? userOfCertificate(socket.getPeerCertificate())
    : undefined;
}
