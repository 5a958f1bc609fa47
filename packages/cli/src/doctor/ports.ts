import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect } from "@sightline/client";
import { limits } from "@sightline/contracts";
import { isFree, portsFromEnvironment, type StackPorts, standardPorts } from "@sightline/stack";
import type { Finding } from "./finding.ts";

const patienceMs = 2_000;

/** Whether the ports that `up` would take are free, or taken by Sightline itself. */
export async function checkPorts(): Promise<Finding[]> {
  let ports: StackPorts;
  try {
    ports = portsFromEnvironment(standardPorts).ports;
  } catch (error) {
    return [{ name: "ports", state: "missing", detail: (error as Error).message }];
  }
  return Promise.all([
    checkPort(ports.nats, "NATS", natsAt),
    checkPort(ports.grpc, "gRPC", grpcAt),
    checkPort(ports.results, "results", (port) => serviceAt(port, "results")),
    checkPort(ports.ingest, "ingest", (port) => serviceAt(port, "ingest")),
    checkPort(ports.inference, "inference", (port) => serviceAt(port, "inference")),
  ]);
}

/** `owner` says what of ours listens there, undefined when it is a stranger. @throws with what is wrong with it */
async function checkPort(
  port: number,
  purpose: string,
  owner: (port: number) => Promise<string | undefined>,
): Promise<Finding> {
  const name = `port ${port} (${purpose})`;
  if (await isFree(port)) return { name, state: "ok", detail: "free" };
  const fix = `ss -ltnp 'sport = :${port}'   # shows the process that has it`;
  try {
    const found = await owner(port);
    if (found) return { name, state: "ok", detail: `in use by ${found}` };
    return { name, state: "missing", detail: "taken by another program", fix };
  } catch (error) {
    return { name, state: "missing", detail: (error as Error).message, fix };
  }
}

/** A NATS server introduces itself with one line `INFO {…}`. */
async function natsAt(port: number): Promise<string | undefined> {
  const socket = connectTcp(port, "127.0.0.1");
  try {
    const [data] = await once(socket, "data", { signal: AbortSignal.timeout(patienceMs) });
    const info = /^INFO (\{.*\})/.exec(String(data))?.[1];
    if (!info) return undefined;
    const { version, jetstream, max_payload } = JSON.parse(info);
    if (!jetstream) throw new Error(`NATS ${version} there has no JetStream; start it with -js`);
    if (max_payload < limits.maxPayloadBytes)
      throw new Error(`NATS ${version} there takes messages of ${max_payload} bytes; set max_payload to 8MB`);
    return `NATS ${version}`;
  } catch (error) {
    if ((error as Error).name === "AbortError") return undefined;
    throw error;
  } finally {
    socket.destroy();
  }
}

async function grpcAt(port: number): Promise<string | undefined> {
  const client = connect(`127.0.0.1:${port}`);
  try {
    const signal = AbortSignal.timeout(patienceMs);
    const cameras = await Array.fromAsync(client.cameras.list({ signal }));
    return `Sightline with ${cameras.length} cameras`;
  } catch {
    return undefined;
  } finally {
    client.close();
  }
}

async function serviceAt(port: number, service: string): Promise<string | undefined> {
  const signal = AbortSignal.timeout(patienceMs);
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal }).catch(() => undefined);
  const text = await response?.text().catch(() => "");
  return text?.includes(`sightline_build_info{service="${service}"`) ? `Sightline's ${service}` : undefined;
}
