import { expectLargeBuffers, loadConfig, runService } from "@sightline/service";
import { settings } from "./config.ts";
import { startIngest } from "./ingest-service.ts";

expectLargeBuffers();
await runService("ingest", () => loadConfig(settings), startIngest);
