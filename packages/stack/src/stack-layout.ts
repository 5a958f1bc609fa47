import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { sitesDirectory } from "@sightline/service";
import type { NatsNodePorts } from "./nats-nodes.ts";

/** The directory of the checkout. */
export const projectRoot = resolve(import.meta.dirname, "../../..");

/** Ports of NATS and of one process of each service. */
export interface StackPorts {
  nats: number;
  grpc: number;
  results: number;
  /** Port of the analysis when it runs in its own process, not in results. */
  analysis: number;
  ingest: number;
  inference: number;
}

/** Ports of one process of each service. */
export type ServicePorts = Omit<StackPorts, "nats">;

/** What a cluster on one machine needs besides the processes of a stack. */
export interface ClusterPorts {
  /** All NATS servers; the first has the stack's port for clients. */
  nodes: readonly NatsNodePorts[];
  /** Ports of the second process of each service. */
  second: ServicePorts;
}

/** The services that a stack starts, in this order. */
export type ServiceName = "results" | "analysis" | "inference" | "ingest";

/** Value of results' setting for where the analysis runs; results checks it. In a cluster, the default is an own process. */
export function placeOfAnalysis(isCluster: boolean, env: NodeJS.ProcessEnv): string {
  return env.SIGHTLINE_ANALYSIS || (isCluster ? "apart" : "here");
}

/** Whether the analysis runs in its own process, not in results. */
export function runsApart(isCluster: boolean, env: NodeJS.ProcessEnv = process.env): boolean {
  return placeOfAnalysis(isCluster, env) === "apart";
}

/** The standard ports on loopback. */
export const standardPorts: StackPorts = {
  nats: 4222,
  grpc: 50051,
  results: 9100,
  ingest: 9101,
  inference: 9102,
  analysis: 9104,
};

/** File name of the keys that encrypt passwords, in the data directory of `up`. */
export const secretsKeyName = "secrets.key";

/** File name of the token that identifies the bridges to results, in the data directory of `up`. */
export const bridgesTokenName = "bridges.token";

/** Where `up` keeps the keys of its NATS, in its data directory. */
export function natsKeysIn(directory: string): string {
  return join(directory, "nats-keys");
}

/** The services' settings for the addresses that they listen on. */
export function portsEnvironment(ports: ServicePorts): NodeJS.ProcessEnv {
  return {
    SIGHTLINE_GRPC: `127.0.0.1:${ports.grpc}`,
    SIGHTLINE_RESULTS_HTTP: `127.0.0.1:${ports.results}`,
    SIGHTLINE_ANALYSIS_HTTP: `127.0.0.1:${ports.analysis}`,
    SIGHTLINE_INGEST_HTTP: `127.0.0.1:${ports.ingest}`,
    SIGHTLINE_INFERENCE_HTTP: `127.0.0.1:${ports.inference}`,
  };
}

/** Settings that are different for the second process of a service. */
export function secondEnvironment(directory: string, ports: ServicePorts): NodeJS.ProcessEnv {
  return { ...portsEnvironment(ports), SIGHTLINE_RECORDINGS_DIRECTORY: join(directory, "recordings-2") };
}

/** Settings for where the services keep their files and find their keys, below the directory of a stack. */
export function filesEnvironment(directory: string): NodeJS.ProcessEnv {
  const sites = sitesDirectory(natsKeysIn(directory));
  return {
    SIGHTLINE_RECORDINGS_DIRECTORY: join(directory, "recordings"),
    SIGHTLINE_SECRETS_KEY_FILE: join(directory, secretsKeyName),
    SIGHTLINE_BRIDGES_TOKEN_FILE: join(directory, bridgesTokenName),
    ...(existsSync(sites) && { SIGHTLINE_SITES_DIRECTORY: sites }),
  };
}
