import type { HttpSystem } from "@sightline/contracts";
import { siteFault, siteText } from "@sightline/service";
import type { Finding } from "./finding.ts";
import { runningSystem } from "./running-system.ts";

/** Whether the sites of a centre are heard, as its results says; nothing where there are none. */
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
