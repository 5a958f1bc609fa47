import type { Command } from "commander";

/** One command: its group (or a command that also does something itself), its purpose, and how to load it. Only the command that runs is loaded. */
export interface CommandEntry {
  path: readonly [string] | readonly [group: string, name: string];
  description: string;
  load: () => Promise<Command>;
}
