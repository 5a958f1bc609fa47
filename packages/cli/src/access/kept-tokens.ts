import { mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { writePrivateFile } from "@sightline/service/private-file";

/** Where the tokens of `sightline login` are kept, by server; only its owner can read it. */
export function tokensPath(): string {
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "sightline", "tokens.json");
}

/** The token that is kept for a server; undefined when there is none. */
export function keptToken(server: string): string | undefined {
  return readTokens()[server];
}

/** Keeps a token for a server, or forgets it. */
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
    throw new Error(`${tokensPath()} cannot be read as JSON; remove it and log in again`);
  }
}
