import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { writePrivateFile } from "@sightline/service/private-file";
import { CliError } from "../errors.ts";

/** Where `sightline login` stores its tokens, by server; only the file's owner can read it. */
export function tokensPath(): string {
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "sightline", "tokens.json");
}

/** The stored token for a server; undefined when there is none. */
export function keptToken(server: string): string | undefined {
  return readTokens()[server];
}

/** Stores a token for a server, or removes it. */
export function keepToken(server: string, token: string | undefined): void {
  const { [server]: _, ...others } = readTokens();
  const path = tokensPath();
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writePrivateFile(
    path,
    `${JSON.stringify(token === undefined ? others : { ...others, [server]: token }, null, 2)}\n`,
  );
}

function readTokens(): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(tokensPath(), "utf8");
  } catch {
    return {};
  }
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    // No cause: it repeats a piece of the file, which holds secrets.
    throw new CliError(
      "input_unusable",
      `${tokensPath()} cannot be read as JSON; remove it and log in again`,
    );
  }
}

/** Asks on the terminal without showing what is typed; without a terminal, takes the next line of the input. */
export async function askSecret(question: string): Promise<string> {
  const isTerminal = process.stdin.isTTY === true;
  if (isTerminal) process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: isTerminal });
  try {
    const [line] = (await Promise.race([
      once(reader, "line"),
      once(reader, "close").then(() => []),
    ])) as string[];
    if (line === undefined) throw new CliError("usage", "no password was given");
    return line;
  } finally {
    if (isTerminal) process.stderr.write("\n");
    reader.close();
  }
}

/** A password from a file's first line, or typed on the terminal; a new one is asked for twice. */
export async function readPassword(
  file: string | undefined,
  question: string,
  isNew: boolean,
): Promise<string> {
  if (file !== undefined) return readFileSync(file, "utf8").split(/\r?\n/, 1)[0]!.trim();
  const password = await askSecret(`${question}: `);
  if (isNew && process.stdin.isTTY && (await askSecret("again: ")) !== password)
    throw new CliError("usage", "the two passwords differ");
  return password;
}
