import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect, readTlsFiles, SightlineError } from "@sightline/client";
import { examineNats, redact, refusal } from "@sightline/service";
import {
  askService,
  ownTls,
  type Part,
  placesFromEnvironment,
  portState,
  runsApart,
  standardPorts,
  type TcpAddress,
} from "@sightline/stack";
import { CliError } from "../errors.ts";
import { operatorAccess } from "../operator-access.ts";
import { tokenOf } from "../server-connection.ts";
import type { Finding } from "./finding.ts";
import { firstProgram } from "./programs.ts";

const patienceMs = 2_000;
const free = "free";
const ours = "in use by ";

interface Listener {
  readonly part: Part;
  readonly purpose: string;
  /** What of Sightline listens there; undefined when it is something else or nothing. @throws Error with what is wrong with it */
  readonly owner: (host: string, port: number, given: string) => Promise<string | undefined>;
}

/** The program on the port does not answer, so it cannot be identified. */
function silent(purpose: string, cause: unknown): CliError {
  return new CliError(
    "no_answer",
    `takes connections but does not answer within ${patienceMs / 1000} s: ${purpose} hangs, or it is another program`,
    { cause },
  );
}

const listeners: readonly Listener[] = [
  { part: "nats", purpose: "NATS", owner: natsAt },
  { part: "grpc", purpose: "gRPC", owner: grpcAt },
  ...(["results", "analysis", "ingest", "inference", "bridges"] as const).map((service) => ({
    part: service,
    purpose: service,
    owner: (host: string, port: number) => serviceAt(host, port, service),
  })),
];

/**
 * Whether the ports for the services on this machine are free or used by Sightline itself, and whether the addresses in the settings on
 * other machines answer.
 */
export async function checkPorts(): Promise<Finding[]> {
  const hasBridges = Boolean(process.env.SIGHTLINE_MQTT_URL || process.env.SIGHTLINE_WEBHOOKS);
  const optional: Partial<Record<Part, boolean>> = { bridges: hasBridges, analysis: runsApart(false) };
  const looked = listeners.filter(({ part }) => optional[part] ?? true);
  const findings = await Promise.all(looked.map(checkListener));
  const running = looked.filter((_, at) => findings[at]!.some(({ detail }) => detail.startsWith(ours)));
  return looked.flatMap(({ part, purpose }, at) =>
    findings[at]!.map((finding): Finding => {
      if (finding.detail !== free || running.length === 0) return finding;
      const others = running.map((listener) => listener.purpose).join(", ");
      const detail = `${purpose} does not run here; ${others} ${running.length === 1 ? "does" : "do"}`;
      // The services may run on several machines; without NATS none of them works.
      return { ...finding, state: part === "nats" ? "missing" : "warning", detail };
    }),
  );
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

async function checkPlace(place: TcpAddress, listener: Listener): Promise<Finding> {
  const { port } = place;
  const host = ["localhost", "0.0.0.0", "::"].includes(place.host) ? "127.0.0.1" : place.host;
  const name = `port ${port} (${listener.purpose})`;
  try {
    const state = await portState(host, port);
    if (state === "elsewhere") return await checkElsewhere({ ...place, host }, listener);
    if (state === "free") return { name, state: "ok", detail: free };
  } catch (error) {
    return { name, state: "missing", detail: (error as Error).message };
  }
  const taken = { name, state: "missing", fix: showsOwner(port) } as const;
  try {
    const found = await listener.owner(host, port, place.given);
    if (found) return { name, state: "ok", detail: `${ours}${found}` };
    return { ...taken, detail: "taken by another program" };
  } catch (error) {
    const fault = { name, state: "missing", detail: (error as Error).message } as const;
    // The program on the port is known.
    return (error as CliError).code === "not_ready" ? fault : { ...taken, ...fault };
  }
}

/** A service on another machine is not ours to start, only to reach. */
async function checkElsewhere(
  { host, port, given }: TcpAddress,
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

/** Commands that show which process uses a port, by the program that each needs. */
export function ownerCommands(port: number): Record<string, string> {
  return {
    ss: `ss -ltnp 'sport = :${port}'`,
    lsof: `lsof -nP -iTCP:${port} -sTCP:LISTEN`,
    fuser: `fuser -v -n tcp ${port}`,
  };
}

/** One of these commands whose program exists on this machine. */
function showsOwner(port: number): string | undefined {
  const ways = ownerCommands(port);
  const program = firstProgram(Object.keys(ways));
  return program && `${ways[program]}   # shows the process that has it`;
}

/** A NATS server begins with one line `INFO {…}`; then it is queried as the services would do. */
async function natsAt(host: string, port: number, given: string): Promise<string | undefined> {
  const socket = connectTcp(port, host);
  try {
    const [data] = await once(socket, "data", { signal: AbortSignal.timeout(patienceMs) });
    if (!/^INFO \{.*\}/.test(String(data))) return undefined;
  } catch (error) {
    if (isTimeout(error)) throw silent("NATS", error);
    return undefined;
  } finally {
    socket.destroy();
  }
  return examined(given || `nats://${bracketed(host)}:${port}`);
}

/** @throws Error with what is wrong with a NATS server, without a password */
async function examined(server: string): Promise<string> {
  const access = operatorAccess(server);
  const { version, fault } = await examineNats(access, patienceMs).catch((error: Error) => {
    const refused = refusal(error, access);
    // NATS uses the port; its data directory shows whose NATS it is.
    if (refused)
      throw new CliError(
        "not_ready",
        `${refused}; of an up with --data DIRECTORY it is DIRECTORY/nats-keys/operator.nk`,
        { cause: error },
      );
    throw new CliError(
      "no_answer",
      `NATS there does not let us in, or does not answer: ${redact(error.message)}`,
      {
        cause: error,
      },
    );
  });
  if (fault) throw new CliError("unsupported", `NATS ${version}: ${fault}`);
  return `NATS ${version} with JetStream`;
}

async function grpcAt(host: string, port: number): Promise<string | undefined> {
  const { on, env } = ownTls();
  const client = connect(`${on ? "https://" : ""}${bracketed(host)}:${port}`, {
    tls: readTlsFiles({
      ca: env.SIGHTLINE_TLS_CA_FILE,
      cert: env.SIGHTLINE_TLS_CLIENT_CERT_FILE,
      key: env.SIGHTLINE_TLS_CLIENT_KEY_FILE,
      serverName: env.SIGHTLINE_TLS_SERVER_NAME,
    }),
    token: tokenOf({
      server: `${on ? "https://" : ""}${bracketed(host)}:${port}`,
      token: process.env.SIGHTLINE_TOKEN,
    }),
  });
  try {
    const signal = AbortSignal.timeout(patienceMs);
    const cameras = await Array.fromAsync(client.cameras.list({ signal }));
    return `Sightline with ${cameras.length} camera${cameras.length === 1 ? "" : "s"}`;
  } catch (error) {
    // Only Sightline has errors with these names.
    const { reason, code, message } = SightlineError.from(error);
    if (reason === "unauthenticated")
      return "Sightline, which has users: log in (`sightline login`) to be told more";
    if (reason !== undefined)
      throw new CliError("not_ready", `${ours}Sightline, which says: ${message}`, { cause: error });
    if (code === "CANCELLED") throw silent("Sightline", error);
    return undefined;
  } finally {
    client.close();
  }
}

async function serviceAt(host: string, port: number, service: string): Promise<string | undefined> {
  const scheme = service === "results" && ownTls().on ? "https" : "http";
  const ask = async (path: string) => askService(`${scheme}://${bracketed(host)}:${port}${path}`, patienceMs);
  try {
    const metrics = await ask("/metrics");
    // If there are users, metrics are not public; only results has users.
    const isClosed =
      service === "results" && metrics.status === 401 && metrics.text.includes('"code":"unauthenticated"');
    if (!isClosed && !metrics.text.includes(`sightline_build_info{service="${service}"`)) return undefined;
    const { status, text } = await ask("/readyz");
    if (status !== 200)
      throw new CliError(
        "not_ready",
        `${ours}Sightline's ${service}, which is not ready: ${missingOf(text)}`,
      );
    return `Sightline's ${service}`;
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (isTimeout(error)) throw silent(service, error);
    return undefined;
  }
}

/** The missing parts listed by `/readyz`. */
function missingOf(text: string): string {
  try {
    const { missing } = JSON.parse(text) as { missing: Record<string, string> };
    return Object.values(missing).join("; ");
  } catch {
    return "it does not say why";
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
