import { createLogger, expectLargeBuffers, loadConfig, runService } from "@sightline/service";
import { settings } from "./config.ts";
import { startIngest } from "./ingest-service.ts";

expectLargeBuffers();
await runService(() => {
  const config = loadConfig(settings);
  const log = createLogger("ingest", config.logLevel);
  return {
    log,
    start: async (life) => {
      await startIngest(config, log, life);
    },
  };
});
