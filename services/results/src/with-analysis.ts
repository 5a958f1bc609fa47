import { startAnalysis } from "@sightline/analysis-service";
import type { Lifecycle, Logger } from "@sightline/service";
import type { ResultsConfig } from "./config.ts";
import { type ResultsAddresses, startResults } from "./results-service.ts";

/** Starts results, with the analysis in the same process unless it should run separately. Only this file knows both. */
export function startWithAnalysis(
  config: ResultsConfig,
  log: Logger,
  life: Lifecycle,
): Promise<ResultsAddresses> {
  if (config.analysis === "apart") return startResults(config, log, life);
  return startResults(config, log, life, (parts) => startAnalysis(parts, config, log, life));
}
