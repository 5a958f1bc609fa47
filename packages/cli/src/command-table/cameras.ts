import type { CommandEntry } from "./command-entry.ts";

/** Commands for cameras. */
export const cameraCommands: readonly CommandEntry[] = [
  {
    path: ["camera", "add"],
    description: "register a camera stream",
    load: async () => (await import("../commands/camera-add.ts")).cameraAddCommand(),
  },
  {
    path: ["camera", "list"],
    description: "list the cameras and their state",
    load: async () => (await import("../commands/camera.ts")).cameraListCommand(),
  },
  {
    path: ["camera", "get"],
    description: "show one camera",
    load: async () => (await import("../commands/camera.ts")).cameraGetCommand(),
  },
  {
    path: ["camera", "update"],
    description: "change a camera's settings; the others stay as they are",
    load: async () => (await import("../commands/camera.ts")).cameraUpdateCommand(),
  },
  {
    path: ["camera", "remove"],
    description: "remove a camera",
    load: async () => (await import("../commands/camera.ts")).cameraRemoveCommand(),
  },
  {
    path: ["camera", "export"],
    description: "save all that is kept of a camera in a range of time as one archive",
    load: async () => (await import("../commands/export.ts")).cameraExportCommand(),
  },
  {
    path: ["camera", "forget"],
    description: "delete what is kept of a camera: events, their pictures, detections and recordings",
    load: async () => (await import("../commands/camera.ts")).cameraForgetCommand(),
  },
  {
    path: ["camera", "snapshot"],
    description: "save the newest picture of a camera, with what was found drawn in if wanted",
    load: async () => (await import("../commands/camera-recording.ts")).cameraSnapshotCommand(),
  },
  {
    path: ["camera", "recording"],
    description: "list what is recorded of a camera, or save a part of it as MP4",
    load: async () => (await import("../commands/camera-recording.ts")).cameraRecordingCommand(),
  },
  {
    path: ["camera", "probe"],
    description: "say what a camera sends, or why it sends nothing",
    load: async () => (await import("../commands/camera-probe.ts")).cameraProbeCommand(),
  },
];
