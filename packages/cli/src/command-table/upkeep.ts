import type { CommandEntry } from "./command-entry.ts";

/** Commands for what an installation needs besides its services: keys, certificates, backups, GPU libraries. */
export const upkeepCommands: readonly CommandEntry[] = [
  {
    path: ["nats", "keys"],
    description: "make the services' NATS keys, and the part of the server's configuration that knows them",
    load: async () => (await import("../commands/keys.ts")).natsKeysCommand(),
  },
  {
    path: ["nats", "site"],
    description: "make the keys by which a site and its centre know each other; run it at the centre",
    load: async () => (await import("../commands/keys.ts")).natsSiteCommand(),
  },
  {
    path: ["backup"],
    description:
      "write cameras, rules, users, subscriptions, events and everything else that NATS stores to one file",
    load: async () => (await import("../commands/backup.ts")).backupCommand(),
  },
  {
    path: ["restore"],
    description: "put what backup wrote into an empty NATS; the services must be stopped",
    load: async () => (await import("../commands/backup.ts")).restoreCommand(),
  },
  {
    path: ["secrets", "rotate"],
    description: "add a new key to the file of keys; results then encrypts every password with it",
    load: async () => (await import("../commands/keys.ts")).secretsRotateCommand(),
  },
  {
    path: ["tls", "init"],
    description: "make a self-signed certificate and its private key, for gRPC and HTTP of results",
    load: async () => (await import("../commands/tls-init.ts")).tlsInitCommand(),
  },
  {
    path: ["gpu", "install"],
    description:
      "install ONNX Runtime's CUDA and TensorRT providers and the CUDA libraries they need, from PyPI by pip",
    load: async () => (await import("../commands/gpu-install.ts")).gpuInstallCommand(),
  },
  {
    path: ["screenshots"],
    description: "take the README's pictures of the web console from a real run",
    load: async () => (await import("../commands/bench.ts")).screenshotsCommand(),
  },
];
