import { Gauge, type Registry } from "prom-client";
import type { SiteState } from "./sites.ts";

/** Tells Prometheus how each site fares. */
export function observeSites(registry: Registry, states: () => readonly SiteState[]): void {
  const gauge = (name: string, help: string, value: (state: SiteState) => number | undefined) =>
    new Gauge({
      name: `sightline_site_${name}`,
      help,
      labelNames: ["site"],
      registers: [registry],
      collect() {
        this.reset();
        for (const state of states()) {
          const figure = value(state);
          if (figure !== undefined) this.set({ site: state.site }, figure);
        }
      },
    });
  gauge("up", "1 while the events and pictures of a site are read, else 0.", ({ up }) => Number(up));
  gauge(
    "silent_seconds",
    "Time since a site was last heard, or since the start of results.",
    ({ silentSeconds }) => silentSeconds,
  );
  gauge(
    "pending_messages",
    "Messages about events and pictures of a site that are still to come; no value while it is not read.",
    ({ pending }) => pending,
  );
}
