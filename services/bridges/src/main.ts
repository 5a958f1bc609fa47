import { runService } from "@sightline/service";
import { startBridges } from "./bridges-service.ts";
import { readConfig } from "./config.ts";

await runService("bridges", readConfig, startBridges);
