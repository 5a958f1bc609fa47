import {
  type Config,
  commonSettings,
  reorderWindowMsSetting,
  setting,
  tracingSettings,
} from "@sightline/service";

/** Settings of the analysis when it runs as a separate service. */
export const settings = {
  ...commonSettings,
  ...tracingSettings,
  http: {
    env: "SIGHTLINE_ANALYSIS_HTTP",
    schema: setting.listen("127.0.0.1:9104"),
    help: "HOST:PORT of metrics and health",
  },
  reorderWindowMs: reorderWindowMsSetting,
} as const;

export type AnalysisConfig = Config<typeof settings>;
