import { once } from "node:events";
import { createServer } from "node:net";
import type { StackPorts } from "./stack.ts";

/** Finds a free loopback port: `preferred` when nothing listens there, else any. */
export async function freePort(preferred: number): Promise<number> {
  return (
    (await tryPort(preferred)) ??
    (await tryPort(0)) ??
    Promise.reject(new Error("no free TCP port on 127.0.0.1"))
  );
}

/** Free ports for a whole stack: the preferred ones where nothing listens, else any. */
export async function freePorts(preferred?: StackPorts): Promise<StackPorts> {
  return {
    nats: await freePort(preferred?.nats ?? 0),
    grpc: await freePort(preferred?.grpc ?? 0),
    results: await freePort(preferred?.results ?? 0),
    ingest: await freePort(preferred?.ingest ?? 0),
    inference: await freePort(preferred?.inference ?? 0),
  };
}

/** Whether nothing listens on the loopback port. */
export async function isFree(port: number): Promise<boolean> {
  return (await tryPort(port)) !== undefined;
}

async function tryPort(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    return typeof address === "object" && address ? address.port : undefined;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}
