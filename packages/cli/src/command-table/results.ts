import type { CommandEntry } from "./command-entry.ts";

/** Commands for what is found in the pictures of cameras and files: showing, exporting, forwarding, and rules. */
export const resultCommands: readonly CommandEntry[] = [
  {
    path: ["watch"],
    description: "print detections as they are made",
    load: async () => (await import("../commands/watch.ts")).watchCommand(),
  },
  {
    path: ["export", "events"],
    description: "write events that are kept to a file: JSON Lines or CSV",
    load: async () => (await import("../commands/export.ts")).exportEventsCommand(),
  },
  {
    path: ["export", "detections"],
    description: "write detections that are kept to a file: JSON Lines, CSV or COCO results",
    load: async () => (await import("../commands/export.ts")).exportDetectionsCommand(),
  },
  {
    path: ["bridges"],
    description: "publish events over MQTT, as Frigate does, and post them to webhooks",
    load: async () => (await import("../commands/up.ts")).bridgesCommand(),
  },
  {
    path: ["dead-letters", "list"],
    description: "list the messages that a subscription could not deliver",
    load: async () => (await import("../commands/dead-letters.ts")).deadLettersListCommand(),
  },
  {
    path: ["dead-letters", "retry"],
    description: "deliver dead letters once more",
    load: async () => (await import("../commands/dead-letters.ts")).deadLettersRetryCommand(),
  },
  {
    path: ["dead-letters", "delete"],
    description: "delete dead letters without delivering them",
    load: async () => (await import("../commands/dead-letters.ts")).deadLettersDeleteCommand(),
  },
  {
    path: ["detect"],
    description: "detect objects in a picture, a video, or a folder of them",
    load: async () => (await import("../commands/detect.ts")).detectCommand(),
  },
  {
    path: ["rules", "set"],
    description: "replace a camera's zones, lines and rules by those of a file",
    load: async () => (await import("../commands/rules.ts")).rulesSetCommand(),
  },
  {
    path: ["rules", "get"],
    description: "print a camera's zones, lines and rules as a rules file",
    load: async () => (await import("../commands/rules.ts")).rulesGetCommand(),
  },
  {
    path: ["rules", "check"],
    description: "say what is wrong with a rules file, if anything",
    load: async () => (await import("../commands/rules.ts")).rulesCheckCommand(),
  },
  {
    path: ["events"],
    description: "list what happened, newest first, or follow it as it happens",
    load: async () => (await import("../commands/events.ts")).eventsCommand(),
  },
  {
    path: ["events", "clip"],
    description: "save the video of an event, with what was just before and after it",
    load: async () => (await import("../commands/event.ts")).eventsClipCommand(),
  },
  {
    path: ["events", "counts"],
    description: "count events and how long they lasted, by hour, camera, class, zone and so on",
    load: async () => (await import("../commands/events-counts.ts")).eventsCountsCommand(),
  },
  {
    path: ["events", "review"],
    description: "mark events as reviewed, for all who see them",
    load: async () => (await import("../commands/event.ts")).eventsReviewCommand(),
  },
  {
    path: ["replay"],
    description: "try rules out on a recorded video: prints its events, one JSON line each",
    load: async () => (await import("../commands/replay.ts")).replayCommand(),
  },
];
