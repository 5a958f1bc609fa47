import { freePort } from "@sightline/service/testing";
import type { StackPorts } from "@sightline/stack";

/** Ports for a stack that only it uses. */
export async function freePorts(): Promise<StackPorts> {
  return {
    nats: await freePort(),
    grpc: await freePort(),
    results: await freePort(),
    ingest: await freePort(),
    inference: await freePort(),
  };
}
