export { EngineError, type EngineErrorCode } from "../errors.ts";
export { type BuildEngineOptions, type BuiltEngine, buildEngine } from "./build-engine.ts";
export { checkEngine, type EngineExpectation } from "./check-engine.ts";
export { type BuilderChoice, type EngineBuilder, findEngineBuilder } from "./engine-builder.ts";
export { type BatchProfile, type EngineKey, type GpuIdentity, queryGpu } from "./engine-key.ts";
export { ENGINE_PRECISIONS, type EnginePrecision } from "./trtexec-command.ts";
