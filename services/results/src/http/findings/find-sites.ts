import type { HttpFinding, HttpSystem } from "@sightline/contracts";
import { siteFault } from "@sightline/service";

/** What is the matter with the sites whose events come here. */
export function* findSites({ sites }: Pick<HttpSystem, "sites">): Generator<HttpFinding> {
  for (const site of sites) {
    const fault = siteFault(site);
    if (!fault) continue;
    const { kind, text, fix } = fault;
    yield { level: kind === "clash" ? "error" : "warning", text: `${text}.`, fix };
  }
}
