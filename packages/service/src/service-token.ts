import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { SettingError } from "./config.ts";
import { writePrivateFile } from "./private-file.ts";

/** Services of ours that call results as applications do, and by what token they are known. */
export const callingServices = ["bridges", "metrics"] as const;
export type CallingService = (typeof callingServices)[number];

const rereadMs = 1_000;

/** Writes a new token of a service, which the service and results then read. */
export function writeServiceToken(path: string, service: CallingService): void {
  writePrivateFile(path, `slt_${service}_${randomBytes(32).toString("base64url")}\n`);
}

/** The token in a file, which may be replaced while the program runs. @throws SettingError it cannot be read now */
export function tokenFromFile(path: string): () => string {
  let text = readToken(path);
  let readAt = performance.now();
  return () => {
    if (performance.now() - readAt < rereadMs) return text;
    readAt = performance.now();
    try {
      text = readToken(path);
    } catch {
      // Whoever replaces it is about to.
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
