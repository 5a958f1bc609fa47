import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { SettingError } from "./errors.ts";
import { writePrivateFile } from "./private-file.ts";

/** Our services that call results like applications do; each has its own token. */
export const callingServices = ["bridges", "metrics"] as const;
export type CallingService = (typeof callingServices)[number];

const rereadMs = 1_000;

/** Writes a new token of a service to a file that the service and results read. */
export function writeServiceToken(path: string, service: CallingService): void {
  writePrivateFile(path, `slt_${service}_${randomBytes(32).toString("base64url")}\n`);
}

/** The token in a file, which may be replaced while the program runs. @throws SettingError the file cannot be read at first */
export function tokenFromFile(path: string): () => string {
  let text = readToken(path);
  let readAt = performance.now();
  return () => {
    if (performance.now() - readAt < rereadMs) return text;
    readAt = performance.now();
    try {
      text = readToken(path);
    } catch {
      // The file is probably just being replaced.
    }
    return text;
  };
}

function readToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new SettingError(`the file with the token cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
