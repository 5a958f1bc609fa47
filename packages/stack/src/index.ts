export * from "./environment.ts";
export * from "./managed-process.ts";
export * from "./nats-guard.ts";
export * from "./ports.ts";
export * from "./project-root.ts";
export * from "./rtsp-cameras.ts";
export * from "./stack.ts";
export * from "./supervisor.ts";
