import { createLogger, loadConfig, runService } from "@sightline/service";
import { startAnalysisService } from "./analysis-service.ts";
import { settings } from "./config.ts";

await runService(() => {
  const config = loadConfig(settings);
  const log = createLogger("analysis", config.logLevel);
  return {
    log,
    start: async (life) => {
      await startAnalysisService(config, log, life);
    },
  };
});
