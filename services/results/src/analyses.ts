import { type AnalysisPresence, analysisPresence, analysisPresenceSchema } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";

/** The processes that analyse cameras, this one or others, and their reports about their work. */
export class Analyses {
  readonly #told = new Map<string, AnalysisPresence["stalls"]>();

  /** `leases`: the content of the bucket in which they announce themselves. */
  constructor(leases: Pick<KvMirror<string>, "keys" | "get" | "onChange">) {
    for (const key of leases.keys()) this.#receive(key, leases.get(key));
    leases.onChange(({ key, value }) => this.#receive(key, value));
  }

  /** Whether there is such a process. */
  get any(): boolean {
    return this.#told.size > 0;
  }

  /** Whether the analysis of any camera makes no progress. */
  get stalled(): boolean {
    return this.#told.values().some((stalls) => Object.keys(stalls).length > 0);
  }

  /** Why the analysis of a camera makes no progress; undefined when it does, or nothing was reported. */
  stallOf(camera: string): string | undefined {
    for (const stalls of this.#told.values()) if (stalls[camera] !== undefined) return stalls[camera];
    return undefined;
  }

  #receive(key: string, value: string | undefined): void {
    if (!key.startsWith(`${analysisPresence}.`)) return;
    if (value === undefined) this.#told.delete(key);
    else this.#told.set(key, stallsIn(value));
  }
}

/** Empty for reports of an earlier version. */
function stallsIn(value: string): AnalysisPresence["stalls"] {
  try {
    return analysisPresenceSchema.safeParse(JSON.parse(value)).data?.stalls ?? {};
  } catch {
    return {};
  }
}
