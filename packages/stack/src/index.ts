export * from "./environment.ts";
export * from "./managed-process.ts";
export * from "./nats-guard.ts";
export * from "./nats-nodes.ts";
export * from "./own-server.ts";
export * from "./ports.ts";
export * from "./rtsp-cameras.ts";
export * from "./stack.ts";
export {
  type ClusterPorts,
  natsKeysIn,
  projectRoot,
  runsApart,
  type ServicePorts,
  type StackPorts,
  secretsKeyName,
  standardPorts,
} from "./stack-layout.ts";
export * from "./stored.ts";
export * from "./supervisor.ts";
