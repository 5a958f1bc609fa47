import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { ClusterPorts, StackPorts } from "./stack-layout.ts";

/** Free loopback ports for a whole stack: the preferred ones if nothing listens there, otherwise any. All ports are different. */
export async function freePorts(preferred: StackPorts): Promise<StackPorts> {
  const names = Object.keys(preferred) as (keyof StackPorts)[];
  const free = await freeOnes(names.map((name) => preferred[name]));
  const found = { ...preferred };
  for (const [index, name] of names.entries()) found[name] = free[index]!;
  return found;
}

/** Free ports for what a cluster of `nodes` NATS servers needs besides the stack's own ports. */
export async function freeClusterPorts({ nats }: StackPorts, nodes: number): Promise<ClusterPorts> {
  const others = Array.from({ length: nodes - 1 }, (_, index) => nats + 1 + index);
  const routes = Array.from({ length: nodes }, (_, index) => 6222 + index);
  const [grpc, results, ingest, inference, analysis, ...free] = await freeOnes([
    50052,
    9110,
    9111,
    9112,
    9114,
    ...others,
    ...routes,
  ]);
  const clients = [nats, ...free.slice(0, nodes - 1)];
  return {
    nodes: free.slice(nodes - 1).map((route, index) => ({ nats: clients[index]!, route })),
    second: {
      grpc: grpc!,
      results: results!,
      ingest: ingest!,
      inference: inference!,
      analysis: analysis!,
    },
  };
}

async function freeOnes(preferred: readonly number[]): Promise<number[]> {
  const held: Server[] = [];
  try {
    for (const port of preferred) {
      const server = (await listen(port)) ?? (await listen(0));
      if (!server) throw new Error("no free TCP port on 127.0.0.1");
      held.push(server);
    }
    return held.map(portOf);
  } finally {
    await Promise.all(held.map(close));
  }
}

/** Whether nothing listens on the loopback port. */
export async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server) await close(server);
  return server !== undefined;
}

/**
 * Whether a port can be opened at a host: `elsewhere` when the host is not an address of this machine.
 * @throws Error when the system refuses for another reason, for example a port that only root may open
 */
export async function portState(host: string, port: number): Promise<"free" | "taken" | "elsewhere"> {
  try {
    await close(await listenAt(host, port));
    return "free";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") return "taken";
    if (["EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN"].includes(String(code))) return "elsewhere";
    throw error;
  }
}

async function listen(port: number): Promise<Server | undefined> {
  return listenAt("127.0.0.1", port).catch(() => undefined);
}

async function listenAt(host: string, port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, host);
  await once(server, "listening");
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("server has no TCP address");
  return address.port;
}
