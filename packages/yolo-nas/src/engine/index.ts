export { type BuildEngineOptions, type BuiltEngine, buildEngine } from "./build-engine.ts";
export { checkEngine, type EngineExpectation } from "./check-engine.ts";
export { type BuilderChoice, type EngineBuilder, findEngineBuilder } from "./engine-builder.ts";
export { EngineError, type EngineErrorCode } from "./engine-error.ts";
export type { BatchProfile, EngineKey, GpuIdentity } from "./engine-key.ts";
export { queryGpu } from "./query-gpu.ts";
export { ENGINE_PRECISIONS, type EnginePrecision } from "./trtexec-command.ts";
