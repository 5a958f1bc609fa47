import { createLogger, loadConfig, runService } from "@sightline/service";
import { settings } from "./config.ts";
import { startWithAnalysis } from "./with-analysis.ts";

await runService(() => {
  const config = loadConfig(settings);
  const log = createLogger("results", config.logLevel);
  return {
    log,
    start: async (life) => {
      await startWithAnalysis(config, log, life);
    },
  };
});
