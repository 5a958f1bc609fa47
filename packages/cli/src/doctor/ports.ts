import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect } from "@sightline/client";
import { examineNats, redact } from "@sightline/service";
import { type Part, type Place, placesFromEnvironment, portState, standardPorts } from "@sightline/stack";
import type { Finding } from "./finding.ts";
import { firstProgram } from "./programs.ts";

const patienceMs = 2_000;

interface Listener {
  readonly part: Part;
  readonly purpose: string;
  /** What of ours listens there, undefined when it is a stranger or nobody. @throws with what is wrong with it */
  readonly owner: (host: string, port: number, given: string) => Promise<string | undefined>;
}

const listeners: readonly Listener[] = [
  { part: "nats", purpose: "NATS", owner: natsAt },
  { part: "grpc", purpose: "gRPC", owner: grpcAt },
  ...(["results", "ingest", "inference", "bridges"] as const).map((service) => ({
    part: service,
    purpose: service,
    owner: (host: string, port: number) => serviceAt(host, port, service),
  })),
];

/**
 * Whether the ports of this machine that the services would take are free, or taken by Sightline itself, and whether what the
 * settings name on other machines answers.
 */
export async function checkPorts(): Promise<Finding[]> {
  const hasBridges = Boolean(process.env.SIGHTLINE_MQTT_URL || process.env.SIGHTLINE_WEBHOOKS);
  const looked = listeners.filter(({ part }) => part !== "bridges" || hasBridges);
  return (await Promise.all(looked.map(checkListener))).flat();
}

async function checkListener(listener: Listener): Promise<Finding[]> {
  try {
    const places = placesFromEnvironment(listener.part);
    const port = { ...standardPorts, bridges: 9103 }[listener.part];
    const standard = { host: "127.0.0.1", port, given: "" };
    return await Promise.all((places.length > 0 ? places : [standard]).map((at) => checkPlace(at, listener)));
  } catch (error) {
    return [{ name: "ports", state: "missing", detail: (error as Error).message }];
  }
}

async function checkPlace(place: Place, listener: Listener): Promise<Finding> {
  const { port } = place;
  const host = ["localhost", "0.0.0.0", "::"].includes(place.host) ? "127.0.0.1" : place.host;
  const name = `port ${port} (${listener.purpose})`;
  try {
    const state = await portState(host, port);
    if (state === "elsewhere") return await checkElsewhere({ ...place, host }, listener);
    if (state === "free") return { name, state: "ok", detail: "free" };
  } catch (error) {
    return { name, state: "missing", detail: (error as Error).message };
  }
  const taken = { name, state: "missing", fix: showsOwner(port) } as const;
  try {
    const found = await listener.owner(host, port, place.given);
    if (found) return { name, state: "ok", detail: `in use by ${found}` };
    return { ...taken, detail: "taken by another program" };
  } catch (error) {
    return { ...taken, detail: (error as Error).message };
  }
}

/** What a setting names on another machine is not for us to start, only to reach. */
async function checkElsewhere(
  { host, port, given }: Place,
  { part, purpose, owner }: Listener,
): Promise<Finding> {
  const name = `${purpose} at ${bracketed(host)}:${port}`;
  try {
    const found = part === "nats" ? await examined(given) : await owner(host, port, given);
    if (found) return { name, state: "ok", detail: found };
    return { name, state: "missing", detail: "no Sightline answers there" };
  } catch (error) {
    return { name, state: "missing", detail: (error as Error).message };
  }
}

/** The commands that show the process that has a port, by the program that each needs. */
export function ownerCommands(port: number): Record<string, string> {
  return {
    ss: `ss -ltnp 'sport = :${port}'`,
    lsof: `lsof -nP -iTCP:${port} -sTCP:LISTEN`,
    fuser: `fuser -v -n tcp ${port}`,
  };
}

/** One of these commands, with a program that this machine has. */
function showsOwner(port: number): string | undefined {
  const ways = ownerCommands(port);
  const program = firstProgram(Object.keys(ways));
  return program && `${ways[program]}   # shows the process that has it`;
}

/** A NATS server introduces itself with one line `INFO {…}`; then it is asked as the services would. */
async function natsAt(host: string, port: number, given: string): Promise<string | undefined> {
  const socket = connectTcp(port, host);
  try {
    const [data] = await once(socket, "data", { signal: AbortSignal.timeout(patienceMs) });
    if (!/^INFO \{.*\}/.test(String(data))) return undefined;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
  return examined(given || `nats://${bracketed(host)}:${port}`);
}

/** @throws Error with what is wrong with a NATS server, without a password */
async function examined(server: string): Promise<string> {
  const { version, fault } = await examineNats(server, patienceMs).catch((error: Error) => {
    throw new Error(`NATS there does not let us in, or does not answer: ${redact(error.message)}`);
  });
  if (fault) throw new Error(`NATS ${version}: ${fault}`);
  return `NATS ${version} with JetStream`;
}

async function grpcAt(host: string, port: number): Promise<string | undefined> {
  const client = connect(`${bracketed(host)}:${port}`);
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

async function serviceAt(host: string, port: number, service: string): Promise<string | undefined> {
  const signal = AbortSignal.timeout(patienceMs);
  const url = `http://${bracketed(host)}:${port}/metrics`;
  const response = await fetch(url, { signal }).catch(() => undefined);
  const text = await response?.text().catch(() => "");
  return text?.includes(`sightline_build_info{service="${service}"`) ? `Sightline's ${service}` : undefined;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
