import { createLogger, expectLargeBuffers, loadConfig, runService } from "@sightline/service";
import { settings } from "./config.ts";
import { startInference } from "./service.ts";

expectLargeBuffers();
await runService(() => {
  const config = loadConfig(settings);
  const log = createLogger("inference", config.logLevel);
  return { log, start: (life) => startInference(config, log, life) };
});
