import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  isSiteName,
  type NatsPermissions,
  siteDenials,
  siteLeafPermissions,
  siteReaderPermissions,
} from "@sightline/contracts";
import { ServiceError } from "./errors.ts";
import { knownKey, makeKey } from "./nkey-file.ts";
import { writePrivateFile } from "./private-file.ts";

/** The centre's port for leaf nodes, in its directory of keys: a part of its NATS server's configuration. */
export const centreFile = "centre.conf";

/** What a site's NATS server needs as a leaf node, in its directory of keys: the centre's `sites/NAME.conf` under this name. */
export const siteFile = "site.conf";

/** Rounds of bcrypt as a power of two: NATS computes them each time a site connects. The passwords are random, so few rounds would be enough. */
const bcryptCost = 10;

/** The JetStream domain of a centre. */
export const centreDomain = "centre";

export interface SiteOptions {
  /** Address of the centre's NATS server as seen from the site: `tls://HOST:7422`, or `nats://…` if the line itself is encrypted. */
  centre: string;
  /** CA certificates for checking the centre's certificate, as a path at the site; undefined means the system's. */
  caFile?: string | undefined;
  /** Whether an existing site gets new keys and a new file. */
  replace?: boolean | undefined;
}

/** Where the keys of sites are, in the centre's directory of keys; SIGHTLINE_SITES_DIRECTORY for the centre's results. */
export function sitesDirectory(directory: string): string {
  return join(directory, "sites");
}

/**
 * Creates the keys with which a site and its centre know each other, in the centre's directory of keys, and the centre's port if there is
 * none yet. The permissions list contains the site after `writeNatsKeys` has written it again. Returns the file for the site.
 * @throws ServiceError site_invalid: the name or the address is not valid, or the site already exists
 */
export function makeSite(directory: string, site: string, options: SiteOptions): string {
  if (!isSiteName(site))
    throw new ServiceError(
      "site_invalid",
      `'${site}' cannot be a site's name; expected 1 to 24 characters of a–z and 0–9, such as north`,
    );
  if (site === centreDomain)
    throw new ServiceError(
      "site_invalid",
      `a site cannot be called '${centreDomain}', because this is the centre's own name; use another name`,
    );
  const url = addressOf(options.centre);
  if (options.caFile !== undefined && url.protocol !== "tls:")
    throw new ServiceError(
      "site_invalid",
      "a certificate file of the centre can be used only with an address that begins with tls://",
    );
  const [key, hash, plain, configuration] = ["nk", "bcrypt", "password", "conf"].map((ending) =>
    join(sitesDirectory(directory), `${site}.${ending}`),
  ) as [string, string, string, string];
  if (!options.replace && [key, hash, plain, configuration].some((path) => existsSync(path)))
    throw new ServiceError(
      "site_invalid",
      `the site '${site}' already exists with the file ${configuration}; use --replace to make new keys and a new file`,
    );
  mkdirSync(sitesDirectory(directory), { recursive: true, mode: 0o700 });
  const centre = join(directory, centreFile);
  if (!existsSync(centre)) writePrivateFile(centre, centreConfiguration(url));
  url.username = site;
  url.password = randomBytes(24).toString("base64url");
  for (const old of [key, plain]) rmSync(old, { force: true });
  writePrivateFile(hash, hashOf(url.password));
  writePrivateFile(configuration, siteConfiguration(site, url.href.replace(/\/$/, ""), options.caFile));
  // Last, because the site exists once it has this key.
  makeKey(key);
  return configuration;
}

/** Sites of a centre, and their permissions at its NATS server, as entries of the server's `users`. @throws ServiceError nats_key_unreadable */
export function siteUsers(directory: string): { name: string; entry: string }[] {
  const folder = sitesDirectory(directory);
  if (!existsSync(folder)) return [];
  const sites = readdirSync(folder).flatMap((file) => (file.endsWith(".nk") ? [file.slice(0, -3)] : []));
  return sites.sort().flatMap((site) => {
    const leaf = `user: ${site}, password: "${passwordHash(folder, site)}", allowed_connection_types: [LEAFNODE]`;
    return [
      { name: `the leaf node of the site ${site}`, ...entry(leaf, siteLeafPermissions(site)) },
      {
        name: `the centre, reading the site ${site}`,
        ...entry(`nkey: ${knownKey(join(folder, `${site}.nk`))}`, siteReaderPermissions(site)),
      },
    ];
  });
}

/** The hash by which the centre's NATS server checks a site's password. A plain-text password from an earlier version is hashed and deleted. */
function passwordHash(folder: string, site: string): string {
  const [hash, plain] = ["bcrypt", "password"].map((ending) => join(folder, `${site}.${ending}`)) as [
    string,
    string,
  ];
  if (!existsSync(hash)) writePrivateFile(hash, hashOf(readFileSync(plain, "utf8").trim()));
  rmSync(plain, { force: true });
  return readFileSync(hash, "utf8").trim();
}

/** Loads the library here: every service imports this file, and only a centre that makes a site needs a hash. */
function hashOf(password: string): string {
  const { hashSync }: typeof import("bcryptjs") = createRequire(import.meta.url)("bcryptjs");
  return `${hashSync(password, bcryptCost)}\n`;
}

/** The name of the site that a site's file was created for; undefined when there is no file. @throws ServiceError site_invalid: the file names no site */
export function siteOf(directory: string): string | undefined {
  const path = join(directory, siteFile);
  if (!existsSync(path)) return undefined;
  const site = /^SITE: ([a-z0-9]{1,24})$/m.exec(readFileSync(path, "utf8"))?.[1];
  if (site === undefined)
    throw new ServiceError(
      "site_invalid",
      `${path} was not made by \`sightline nats site\`: it has no line SITE: NAME`,
    );
  return site;
}

function entry(login: string, { publish, subscribe }: NatsPermissions): { entry: string } {
  const permissions = `publish: ${JSON.stringify(publish)}\n      subscribe: ${JSON.stringify(subscribe)}`;
  return { entry: `{ ${login}, permissions: {\n      ${permissions}\n    } }` };
}

function addressOf(text: string): URL {
  const url = URL.parse(text);
  if (!url || !/^(tls|nats):$/.test(url.protocol) || !url.hostname || url.username || url.pathname !== "")
    throw new ServiceError(
      "site_invalid",
      `'${text}' is not an address of the centre's NATS; expected tls://HOST:7422, or nats://HOST:7422 if the link itself is encrypted`,
    );
  url.port ||= "7422";
  return url;
}

function centreConfiguration(url: URL): string {
  return `# The port for leaf nodes of sites; include it in the configuration of the centre's NATS server. It is made once, and yours to change.
leafnodes {
  listen: "0.0.0.0:${url.port}"
  # Where sites come back after the link was cut; else NATS tells them addresses of this machine's own network.
  advertise: "${url.host}"
  # A site that is told tls:// needs these, of the centre's name:
  # tls { cert_file: "/etc/sightline/tls/cert.pem", key_file: "/etc/sightline/tls/key.pem" }
}
`;
}

function siteConfiguration(site: string, url: string, caFile: string | undefined): string {
  const { exports, imports } = siteDenials(site);
  const list = (subjects: readonly string[]) =>
    `[\n${subjects.map((subject) => `        ${JSON.stringify(subject)}`).join("\n")}\n      ]`;
  return `# What the NATS server of the site '${site}' needs to be a leaf node of the centre's. It holds a password: keep it from others.
SITE: ${site}
leafnodes {
  reconnect: 2
  remotes: [
    {
      url: ${JSON.stringify(url)}
${encryption(url, caFile)}      # What never leaves the site, whatever the centre asks.
      deny_exports: ${list(exports)}
      deny_imports: ${list(imports)}
    }
  ]
}
`;
}

/** Without a `tls` block, a NATS server accepts an unencrypted centre and sends it the password, whatever the URL says. */
function encryption(url: string, caFile: string | undefined): string {
  if (!url.startsWith("tls:")) return "";
  const ca = caFile === undefined ? "" : `, ca_file: ${JSON.stringify(caFile)}`;
  return `      tls { timeout: 5${ca} }\n`;
}
