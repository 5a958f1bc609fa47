import type { Command } from "commander";

/** One command: where it hangs, what it is for, and how to get it. Only the command that runs is loaded. */
export interface CommandEntry {
  path: readonly [string] | readonly [group: string, name: string];
  description: string;
  load: () => Promise<Command>;
}

/** What the groups of commands are for. */
export const groups: Readonly<Record<string, string>> = {
  camera: "register, list, change and remove cameras",
  model: "build, prepare, quantize and evaluate YOLO-NAS models",
  bench: "measure",
};

/** Every command, in the order of the help. */
export const commandTable: readonly CommandEntry[] = [
  {
    path: ["demo"],
    description: "run everything on real RTSP cameras that play the bundled clip, and print detections live",
    load: async () => (await import("./commands/demo.ts")).demoCommand(),
  },
  {
    path: ["up"],
    description: "run NATS and the three services on this machine, with state in a data directory",
    load: async () => (await import("./commands/up.ts")).upCommand(),
  },
  {
    path: ["test"],
    description: "run lint, type-check, architecture rules and every test",
    load: async () => (await import("./commands/test.ts")).testCommand(),
  },
  {
    path: ["camera", "add"],
    description: "register a camera stream",
    load: async () => (await import("./commands/camera-add.ts")).cameraAddCommand(),
  },
  {
    path: ["camera", "list"],
    description: "list the cameras and how they fare",
    load: async () => (await import("./commands/camera-list.ts")).cameraListCommand(),
  },
  {
    path: ["camera", "get"],
    description: "show one camera",
    load: async () => (await import("./commands/camera-get.ts")).cameraGetCommand(),
  },
  {
    path: ["camera", "update"],
    description: "change a camera's settings; those not named stay",
    load: async () => (await import("./commands/camera-update.ts")).cameraUpdateCommand(),
  },
  {
    path: ["camera", "remove"],
    description: "remove a camera",
    load: async () => (await import("./commands/camera-remove.ts")).cameraRemoveCommand(),
  },
  {
    path: ["watch"],
    description: "print detections as they are made",
    load: async () => (await import("./commands/watch.ts")).watchCommand(),
  },
  {
    path: ["doctor"],
    description: "tell what is here, what is missing, and the command that fixes it",
    load: async () => (await import("./commands/doctor.ts")).doctorCommand(),
  },
];
