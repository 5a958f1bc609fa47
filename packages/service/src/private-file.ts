import { renameSync, writeFileSync } from "node:fs";

/** Writes a file that only its owner can read. It is moved into place, so that a reader gets either all of the new file or the old one. */
export function writePrivateFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
