import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";

/** Asks on the terminal without showing what is typed; where there is none, takes the next line of the input. */
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
    if (line === undefined) throw new Error("no password was given");
    return line;
  } finally {
    if (isTerminal) process.stderr.write("\n");
    reader.close();
  }
}

/** A password from a file's first line, or as it is typed; a new one is asked for twice. */
export async function readPassword(
  file: string | undefined,
  question: string,
  isNew: boolean,
): Promise<string> {
  if (file !== undefined) return readFileSync(file, "utf8").split(/\r?\n/, 1)[0]!.trim();
  const password = await askSecret(`${question}: `);
  if (isNew && process.stdin.isTTY && (await askSecret("again: ")) !== password)
    throw new Error("the two passwords differ");
  return password;
}
