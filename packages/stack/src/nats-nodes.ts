import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import {
  authorizationFile,
  centreDomain,
  centreFile,
  diskRoom,
  siteFile,
  siteOf,
  storeLimit,
  writeNatsKeys,
  writePrivateFile,
} from "@sightline/service";

/** Ports of one NATS server on this machine, on loopback. */
export interface NatsNodePorts {
  /** For clients. */
  nats: number;
  /** For the other servers of its cluster. */
  route: number;
}

/** File name of the password that the servers of a cluster use for each other, in the data directory of `up`. */
const routePasswordName = "nats-route.password";

/** The process name of a node; the first node is 0. */
export function natsNodeName(index: number): string {
  return index === 0 ? "nats-server" : `nats-server-${index + 1}`;
}

/** Where a node keeps its data. */
export function natsStore(directory: string, index: number): string {
  return join(directory, index === 0 ? "nats" : `nats-${index + 1}`);
}

/**
 * Why this number of NATS servers cannot use a data directory: another number of servers stored the data in it. Undefined when they can.
 * Cluster servers without stored data join the cluster when they start.
 */
export function storedByOthers(directory: string, nodes: number): string | undefined {
  let stored = 0;
  while (existsSync(join(natsStore(directory, stored), "jetstream"))) stored++;
  if (stored === 0) return undefined;
  const isCluster = existsSync(join(directory, routePasswordName));
  if (isCluster === nodes > 1 && stored <= nodes) return undefined;
  const have = isCluster ? "a cluster of NATS servers" : "one NATS server";
  const right = isCluster ? `./sightline up --cluster ${stored > 3 ? 5 : 3}` : "./sightline up";
  return `${directory} holds what ${have} stored: start it with \`${right}\`, or name another directory with --data`;
}

/**
 * Writes the configuration of a NATS server and what it needs: its folder, the keys of those that may connect, and the leaf node of a site
 * or a centre. Several nodes form a cluster, in which each stream has as many copies as SIGHTLINE_NATS_REPLICAS says. Returns the file's
 * path.
 */
export async function writeNatsConfig(
  directory: string,
  keysDirectory: string,
  nodes: readonly NatsNodePorts[],
  index: number,
): Promise<string> {
  const store = natsStore(directory, index);
  mkdirSync(store, { recursive: true });
  const room = await diskRoom(store);
  // By default NATS takes three quarters of the space that is free when it starts. Once the disk is fuller, it would then refuse data that
  // it stored before.
  const most = room ? storeLimit(sizeOf(store), room.freeBytes / nodes.length) : undefined;
  const site = siteOf(keysDirectory);
  const isCentre = existsSync(join(keysDirectory, centreFile));
  // NATS does not start if its configuration defines a name that it does not use.
  const domain = site === undefined ? isCentre && centreDomain : "$SITE";
  const jetstream = [
    `store_dir: ${JSON.stringify(store)}`,
    ...(most === undefined ? [] : [`max_file_store: ${most}`]),
    ...(domain ? [`domain: ${domain}`] : []),
  ];
  writeNatsKeys(keysDirectory);
  const { nats, route } = nodes[index]!;
  // One server of the cluster is enough for the leaf nodes, and two servers cannot share the port.
  const included = [
    authorizationFile,
    ...(isCentre && index === 0 ? [centreFile] : []),
    ...(site === undefined ? [] : [siteFile]),
  ];
  const lines = [
    "host: 127.0.0.1",
    `port: ${nats}`,
    "max_payload: 8MB",
    "max_pending: 256MB",
    ...included.map(
      // NATS accepts only a path relative to the including file.
      (file) => `include ${JSON.stringify(relative(directory, join(keysDirectory, file)))}`,
    ),
    `jetstream { ${jetstream.join(", ")} }`,
    ...(nodes.length > 1 ? clusterLines(directory, nodes, index, route, site) : []),
  ];
  const path = join(directory, index === 0 ? "nats.conf" : `nats-${index + 1}.conf`);
  writePrivateFile(path, `${lines.join("\n")}\n`);
  return path;
}

function clusterLines(
  directory: string,
  nodes: readonly NatsNodePorts[],
  index: number,
  route: number,
  site: string | undefined,
): string[] {
  const path = join(directory, routePasswordName);
  if (!existsSync(path)) writePrivateFile(path, randomBytes(24).toString("base64url"));
  const password = readFileSync(path, "utf8");
  const routes = nodes.map((node) => `"nats-route://route:${password}@127.0.0.1:${node.route}"`);
  return [
    `server_name: node-${index + 1}`,
    "cluster {",
    // NATS does not connect a leaf node to a cluster of the same name.
    `  name: ${site === undefined ? "sightline" : "$SITE"}`,
    `  listen: 127.0.0.1:${route}`,
    `  authorization { user: route, password: "${password}", timeout: 5 }`,
    `  routes: [${routes.join(", ")}]`,
    "}",
  ];
}

/** Bytes of all files below a directory. */
export function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => {
      const found = statSync(join(parentPath, name), { throwIfNoEntry: false });
      return sum + (found?.size ?? 0);
    }, 0);
}
