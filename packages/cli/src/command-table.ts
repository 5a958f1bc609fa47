import { accessCommands } from "./command-table/access.ts";
import { benchCommands } from "./command-table/benches.ts";
import { cameraCommands } from "./command-table/cameras.ts";
import type { CommandEntry } from "./command-table/command-entry.ts";
import { modelCommands } from "./command-table/models.ts";
import { resultCommands } from "./command-table/results.ts";
import { systemCommands } from "./command-table/system.ts";
import { upkeepCommands } from "./command-table/upkeep.ts";

/** Purpose of each group of commands. */
export const groups: Readonly<Record<string, string>> = {
  user: "make, list, change and remove users",
  token: "make, list and revoke what programs call with",
  camera: "register, list, change and remove cameras",
  rules: "set, print and check what turns a camera's objects into events",
  "dead-letters": "list, deliver again and delete messages that subscriptions could not deliver",
  model: "build, prepare, quantize and evaluate YOLO-NAS models",
  nats: "keys by which a closed NATS knows the services",
  secrets: "keys that cameras' passwords are encrypted with",
  tls: "certificates of gRPC and HTTP",
  gpu: "set up what GPUs need",
  bench: "measure",
  export: "write what is kept of events and detections to files",
};

/** Every command, in the order of the help. */
export const commandTable: readonly CommandEntry[] = [
  ...systemCommands,
  ...accessCommands,
  ...cameraCommands,
  ...resultCommands,
  ...modelCommands,
  ...upkeepCommands,
  ...benchCommands,
];
