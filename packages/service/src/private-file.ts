import { renameSync, writeFileSync } from "node:fs";

/**
 * Writes a file that only its owner can read. It is moved into place, so that whoever reads it just now finds all of it or what
 * was there before.
 */
export function writePrivateFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
