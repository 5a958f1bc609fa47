import { createLogger, runService } from "@sightline/service";
import { startBridges } from "./bridges-service.ts";
import { readConfig } from "./config.ts";

await runService(() => {
  const config = readConfig();
  const log = createLogger("bridges", config.logLevel);
  return {
    log,
    start: async (life) => {
      await startBridges(config, log, life);
    },
  };
});
