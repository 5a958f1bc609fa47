import { expectLargeBuffers, loadConfig, runService } from "@sightline/service";
import { settings } from "./config.ts";
import { startInference } from "./service.ts";

expectLargeBuffers();
await runService("inference", () => loadConfig(settings), startInference);
