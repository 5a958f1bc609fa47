import type { StackPorts } from "./stack.ts";

const variables = {
  nats: "SIGHTLINE_NATS_URL",
  grpc: "SIGHTLINE_GRPC",
  results: "SIGHTLINE_RESULTS_HTTP",
  ingest: "SIGHTLINE_INGEST_HTTP",
  inference: "SIGHTLINE_INFERENCE_HTTP",
} as const satisfies Record<keyof StackPorts, string>;

/**
 * The ports that the services' own settings ask for, and those settings as given, so that one of them may open a port to other
 * machines. `fallback` has the ports that no setting names.
 * @throws RangeError that names the variable when it ends in no port
 */
export function portsFromEnvironment(
  fallback: StackPorts,
  env: NodeJS.ProcessEnv = process.env,
): { ports: StackPorts; env: NodeJS.ProcessEnv } {
  const ports = { ...fallback };
  const given: NodeJS.ProcessEnv = {};
  for (const [name, variable] of Object.entries(variables) as [keyof StackPorts, string][]) {
    const value = env[variable];
    if (!value) continue;
    const port = Number(/:(\d{1,5})$/.exec(value)?.[1]);
    if (!(port >= 1 && port <= 65_535))
      throw new RangeError(`${variable} = "${value.replace(/\/\/[^/]*@/, "//")}": expected HOST:PORT`);
    ports[name] = port;
    given[variable] = value;
  }
  return { ports, env: given };
}
