import type { CommandEntry } from "./command-entry.ts";

/** Commands for access rights and the audit trail. */
export const accessCommands: readonly CommandEntry[] = [
  {
    path: ["login"],
    description: "log in to a server, and keep the token for later commands",
    load: async () => (await import("../commands/login.ts")).loginCommand(),
  },
  {
    path: ["logout"],
    description: "revoke the token that login keeps, and forget it",
    load: async () => (await import("../commands/login.ts")).logoutCommand(),
  },
  {
    path: ["user", "add"],
    description: "make a user; the first must be an admin",
    load: async () => (await import("../commands/user.ts")).userAddCommand(),
  },
  {
    path: ["user", "list"],
    description: "list the users and what they may do",
    load: async () => (await import("../commands/user.ts")).userListCommand(),
  },
  {
    path: ["user", "update"],
    description: "change a user's role or cameras",
    load: async () => (await import("../commands/user.ts")).userUpdateCommand(),
  },
  {
    path: ["user", "remove"],
    description: "remove a user with all sessions and tokens",
    load: async () => (await import("../commands/user.ts")).userRemoveCommand(),
  },
  {
    path: ["user", "password"],
    description: "set a user's password, your own unless another is named",
    load: async () => (await import("../commands/user.ts")).userPasswordCommand(),
  },
  {
    path: ["token", "add"],
    description: "make a token for a program; it is printed this once",
    load: async () => (await import("../commands/token.ts")).tokenAddCommand(),
  },
  {
    path: ["token", "list"],
    description: "list tokens: your own, or all of them if you are an admin",
    load: async () => (await import("../commands/token.ts")).tokenListCommand(),
  },
  {
    path: ["token", "revoke"],
    description: "revoke a token; what was opened with it ends",
    load: async () => (await import("../commands/token.ts")).tokenRevokeCommand(),
  },
  {
    path: ["token", "file"],
    description:
      "write a file with a token of the bridges, or of Prometheus, for services that up does not start",
    load: async () => (await import("../commands/token.ts")).tokenFileCommand(),
  },
  {
    path: ["audit"],
    description: "list who did what, newest first",
    load: async () => (await import("../commands/audit.ts")).auditCommand(),
  },
];
