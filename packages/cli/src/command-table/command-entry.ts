import type { Command } from "commander";

/** One command: where it hangs (a group, or a command that does something by itself), what it is for, and how to get it. Only the command that runs is loaded. */
export interface CommandEntry {
  path: readonly [string] | readonly [group: string, name: string];
  description: string;
  load: () => Promise<Command>;
}
