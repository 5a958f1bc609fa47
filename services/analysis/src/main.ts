import { loadConfig, runService } from "@sightline/service";
import { startAnalysisService } from "./analysis-service.ts";
import { settings } from "./config.ts";

await runService("analysis", () => loadConfig(settings), startAnalysisService);
