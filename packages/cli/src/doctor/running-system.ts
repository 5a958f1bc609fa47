import { readFileSync } from "node:fs";
import { type HttpSystem, httpSystemSchema } from "@sightline/contracts";
import { siteFault, siteText } from "@sightline/service";
import { askService, ownTls, placesFromEnvironment, standardPorts } from "@sightline/stack";
import { tokenOf } from "../server-connection.ts";
import type { Finding } from "./finding.ts";

/** Results asks NATS first, which gives no answer for 5 s when it hangs. */
const patienceMs = 10_000;

/** The system as results reports it; undefined when results does not run or denies access: then doctor checks by itself what it can. */
export async function runningSystem(): Promise<HttpSystem | undefined> {
  try {
    const { on: isOwn, env } = ownTls();
    const on = isOwn || Boolean(process.env.SIGHTLINE_GRPC?.startsWith("https://"));
    const [place] = placesFromEnvironment("results");
    const given = place?.host ?? "127.0.0.1";
    const host = ["localhost", "0.0.0.0", "::"].includes(given) ? "127.0.0.1" : given;
    const at = host.includes(":") ? `[${host}]` : host;
    const url = `http${on ? "s" : ""}://${at}:${place?.port ?? standardPorts.results}/api/v1/system`;
    const server = process.env.SIGHTLINE_GRPC || `${on ? "https://" : ""}127.0.0.1:${standardPorts.grpc}`;
    const token = tokenOf({ server, token: process.env.SIGHTLINE_TOKEN });
    const pem = (path: string | undefined) => (path ? readFileSync(path) : undefined);
    // The certificate is checked: the token is sent to no other server.
    const { text } = await askService(url, patienceMs, {
      ca: pem(env.SIGHTLINE_TLS_CA_FILE),
      cert: pem(env.SIGHTLINE_TLS_CLIENT_CERT_FILE),
      key: pem(env.SIGHTLINE_TLS_CLIENT_KEY_FILE),
      servername: env.SIGHTLINE_TLS_SERVER_NAME,
      headers: token ? { authorization: `Bearer ${token}` } : {},
    });
    return httpSystemSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether a centre receives from its sites, according to its results; nothing without sites. */
export async function checkSites(): Promise<Finding[]> {
  return ((await runningSystem())?.sites ?? []).map(checkSite);
}

function checkSite(site: HttpSystem["sites"][number]): Finding {
  const name = `site ${site.name}`;
  const fault = siteFault(site);
  if (!fault) return { name, state: "ok", detail: siteText(site) };
  if (fault.kind !== "clash") return { name, state: "warning", detail: fault.text };
  return {
    name,
    state: "missing",
    detail: fault.text,
    fix: `./sightline camera remove ${site.clash}   # once you have registered it by another name; the rest of the site then comes by itself`,
  };
}
