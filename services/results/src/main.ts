import { createLogger, loadConfig, runService } from "@sightline/service";
import { settings } from "./config.ts";
import { startResults } from "./results-service.ts";

await runService(() => {
  const config = loadConfig(settings);
  const log = createLogger("results", config.logLevel);
  return {
    log,
    start: async (life) => {
      await startResults(config, log, life);
    },
  };
});
