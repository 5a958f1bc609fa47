export * from "./results-process.ts";
export * from "./service-process.ts";
