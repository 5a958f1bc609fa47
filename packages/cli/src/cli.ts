import { readFileSync } from "node:fs";
import { Command, CommanderError, Help, InvalidArgumentError, type Option } from "commander";
import type { CommandEntry } from "./command-table/command-entry.ts";
import { commandTable, groups } from "./command-table.ts";
import { type ServerOptions, serverOptions } from "./server-options.ts";

const usageError = 2;
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** Runs one command line and returns the exit code: 0, 1 when the command failed, 2 when it was not understood. */
export async function runCli(words: readonly string[]): Promise<number> {
  const args = withHelpOption(words);
  // The reader of a pipe may leave early, as in `sightline watch | head`.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    process.stderr.write(`sightline: standard output cannot be written: ${error.message}\n`);
    process.exit(1);
  });
  let program: Command | undefined;
  try {
    program = await buildProgram(args);
    await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // From a command's action: errors of its options have already been reported.
    if (error instanceof InvalidArgumentError) process.stderr.write(`sightline: ${error.message}\n`);
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageError;
    const { describeError, isSilence, transportFault } = await import("./describe-error.ts");
    const options = program?.opts<ServerOptions>();
    const fault = options && isSilence(error) ? await transportFault(options) : undefined;
    process.stderr.write(`sightline: ${fault ?? describeError(error, options?.server)}\n`);
    return 1;
  }
}

/** Turns `help COMMAND`, which many other programs have, into `COMMAND --help`. */
function withHelpOption(args: readonly string[]): readonly string[] {
  return args[0] === "help" ? [...args.slice(1), "--help"] : args;
}

/** All commands; only the one that `args` name is loaded, the others are listed for the help. */
export async function buildProgram(args: readonly string[]): Promise<Command> {
  const program = new Command("sightline")
    .description("Streaming video analytics: cameras in, detection events out.")
    .version(`sightline ${version}, Node.js ${process.version}`, "--version", "print the version")
    .helpCommand(false);
  for (const option of serverOptions()) program.addOption(option);
  const words = commandWords(args);
  const parents = new Map<string, Command>();
  for (const entry of commandTable) {
    const [first, second] = entry.path;
    const command = isNamed(entry, words) ? await entry.load() : new Command(entry.path.at(-1));
    if (command.description() === "") command.description(entry.description);
    if (second === undefined) {
      parents.set(first, command.helpCommand(false));
      program.addCommand(command);
      continue;
    }
    let parent = parents.get(first);
    if (!parent) {
      parent = new Command(first).description(groups[first] ?? "").helpCommand(false);
      parents.set(first, parent);
      program.addCommand(parent);
    }
    parent.addCommand(command);
  }
  configure(program);
  return program;
}

/** The leading words that are not options; options for the server take the following word too. */
function commandWords(args: readonly string[]): string[] {
  const takeOne = new Set(serverOptions().map(({ long }) => long));
  return args.filter((arg, i) => !arg.startsWith("-") && !takeOne.has(args[i - 1])).slice(0, 2);
}

function isNamed({ path }: CommandEntry, words: readonly string[]): boolean {
  return path.every((word, i) => word === words[i]);
}

function configure(command: Command): void {
  command
    .exitOverride()
    .configureHelp({ optionDescription })
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "sightline: ")),
    });
  for (const child of command.commands) configure(child);
}

/** Text for an option in the help: it says if the option is required, but not that it is off or empty by default. */
function optionDescription(option: Option): string {
  const text = new Help().optionDescription(option).replace(/ \(default: (false|\[\])\)$/, "");
  return option.mandatory && option.defaultValue === undefined ? `${text} (must be given)` : text;
}
