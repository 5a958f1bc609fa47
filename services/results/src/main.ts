import { loadConfig, runService } from "@sightline/service";
import { settings } from "./config.ts";
import { startWithAnalysis } from "./with-analysis.ts";

await runService("results", () => loadConfig(settings), startWithAnalysis);
