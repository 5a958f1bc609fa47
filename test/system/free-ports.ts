import { freePort } from "@sightline/service/testing";
import type { ClusterPorts, StackPorts } from "@sightline/stack";

/** Ports for a stack that only it uses. */
export async function freePorts(): Promise<StackPorts> {
  return {
    nats: await freePort(),
    grpc: await freePort(),
    results: await freePort(),
    analysis: await freePort(),
    ingest: await freePort(),
    inference: await freePort(),
  };
}

/** Ports for a cluster that only it uses. */
export async function clusterPorts({ nats }: StackPorts, servers: number): Promise<ClusterPorts> {
  const nodes = [{ nats, route: await freePort() }];
  while (nodes.length < servers) nodes.push({ nats: await freePort(), route: await freePort() });
  const { nats: _, ...second } = await freePorts();
  return { nodes, second };
}
