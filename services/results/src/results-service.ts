import { streams } from "@sightline/contracts";
import { ensureBuckets, isLoopback, type Lifecycle, type Logger, patiently } from "@sightline/service";
import { TrustedProxies } from "./access/caller-address.ts";
import type { ResultsConfig } from "./config.ts";
import { attachGrpc } from "./grpc/attach-grpc.ts";
import { GrpcCalls } from "./grpc/grpc-calls.ts";
import { userOfCall } from "./grpc/grpc-guard.ts";
import { GrpcServer } from "./grpc/grpc-server.ts";
import { attachHttp } from "./http/attach-http.ts";
import { startHttp } from "./http/start-http.ts";
import { type SharedParts, startParts } from "./results-parts.ts";
import { provideStreams, withLimitsThatFit } from "./retention.ts";
import { StreamMetrics } from "./stream-metrics.ts";

const version = "0.1.0";

/** The addresses of a started service. */
export interface ResultsAddresses {
  grpc: string;
  http: string;
}

/**
 * Starts the results service: HTTP first, which says what the start is waiting for, then NATS, the parts, and the APIs. All is stopped
 * through `life`.
 * @param analyse starts the analysis in this process too; without it other processes analyse
 */
export async function startResults(
  config: ResultsConfig,
  log: Logger,
  life: Lifecycle,
  analyse?: (parts: SharedParts) => Promise<void>,
): Promise<ResultsAddresses> {
  const { start, api, certificate, limits, address } = await startHttp(config, version, log, life);
  const streamMetrics = life.add(new StreamMetrics(start.registry, config.natsStore));
  const nats = await start.connect(config, "results", Object.values(streams));
  streamMetrics.start(nats);
  const provide = async () => {
    await provideStreams(nats.manager, config);
    return ensureBuckets(nats, config.replicas);
  };
  const buckets = await withLimitsThatFit(() => patiently(provide, log, life.signal));

  const context = { config, version, nats, buckets, start, log, life };
  const onAccess: Parameters<typeof startParts>[1] = ({ access, audit }, cameras) => {
    api.attachAccess(access, cameras);
    api.attachAudit(audit);
  };
  const parts = await startParts(context, onAccess, analyse);

  const callAccess = {
    identities: parts.access.identities,
    cameras: () => parts.cameras.registry.ids(),
    certificateUser: userOfCall,
    audit: parts.audit.audit,
    proxies: new TrustedProxies(config.trustedProxies),
    limits,
  };
  const calls = new GrpcCalls(callAccess, log, (method, code) => parts.metrics.call(method, code));
  const grpc = life.add(new GrpcServer(calls, certificate));
  attachGrpc(grpc, calls, parts);
  attachHttp(api, parts, { version, natsStore: config.natsStore, prometheus: start.registry }, life);
  const port = await grpc.listen(config.grpc);
  start.done();
  const health = setInterval(() => grpc.setServing(nats.connected() && parts.feeds.reading()), 250);
  life.add({ stop: async () => clearInterval(health) });

  const addresses = { grpc: `${hostOf(config.grpc)}:${port}`, http: address };
  for (const [what, address] of Object.entries(addresses))
    if (!isLoopback(address) && !certificate)
      log.warn(
        { address },
        `${what} is open to the network at ${address} without TLS: passwords, tokens and pictures can be read on the way`,
      );
  log.info(addresses, "results is ready");
  return addresses;
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
