export * from "./analysis-state.ts";
export * from "./camera-analysis.ts";
