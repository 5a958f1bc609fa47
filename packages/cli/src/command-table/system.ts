import type { CommandEntry } from "./command-entry.ts";

/** Commands that run and test the whole system. */
export const systemCommands: readonly CommandEntry[] = [
  {
    path: ["demo"],
    description: "run everything on real RTSP cameras that play the bundled clip, and print detections live",
    load: async () => (await import("../commands/demo.ts")).demoCommand(),
  },
  {
    path: ["up"],
    description: "run NATS and the services on this machine, with state in a data directory",
    load: async () => (await import("../commands/up.ts")).upCommand(),
  },
  {
    path: ["dev"],
    description: "as up, but a service is restarted when its source changes, and the console reloads",
    load: async () => (await import("../commands/up.ts")).devCommand(),
  },
  {
    path: ["plan"],
    description: "say whether cameras fit this machine, by measuring for half a minute",
    load: async () => (await import("../commands/plan.ts")).planCommand(),
  },
  {
    path: ["chaos"],
    description:
      "run a cluster on this machine, kill and freeze its processes at random, and check that nothing is lost",
    load: async () => (await import("../commands/chaos.ts")).chaosCommand(),
  },
  {
    path: ["test"],
    description: "run lint, type-check, architecture rules and every test",
    load: async () => (await import("../commands/test.ts")).testCommand(),
  },
  {
    path: ["doctor"],
    description: "say what is here, what is missing, and the command that fixes it",
    load: async () => (await import("../commands/doctor.ts")).doctorCommand(),
  },
];
